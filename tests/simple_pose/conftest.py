"""The four real COCO pictures as a data folder."""

import shutil

import pytest


@pytest.fixture(scope="session")
def coco_folder(shared, tmp_path_factory):
    """The mini set in COCO2017's layout, once as val2017 for training and evaluation alike."""
    source, folder = shared / "data" / "coco", tmp_path_factory.mktemp("coco")
    (folder / "val2017").mkdir()
    (folder / "annotations").mkdir()
    (folder / "person_detection_results").mkdir()
    for picture in source.glob("*.jpg"):
        shutil.copyfile(picture, folder / "val2017" / picture.name)
    shutil.copyfile(source / "test_coco.json", folder / "annotations" / "person_keypoints_val2017.json")
    shutil.copyfile(source / "test_coco_det_AP_H_56.json",
                    folder / "person_detection_results" / "COCO_val2017_detections_AP_H_56_person.json")
    return folder


@pytest.fixture
def make_cfg(coco_folder):
    """Builds the configuration of a command line on the mini set."""
    from model_utils import config

    def build(*arguments):
        return config.parse(["--model", "simple_pose", "--data_path", str(coco_folder), "--train_set", "val2017",
                             *map(str, arguments)], "")

    return build
