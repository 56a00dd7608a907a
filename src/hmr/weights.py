"""Names of foreign checkpoints in ours: pytorch_HMR, SPIN, MMPose, and a torchvision backbone.

Layouts are the same but for the discriminator, whose 1x1 convolutions are dense layers here and whose
23 linear layers are rows of one matrix.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import numpy as np
from mindspore import nn

from src.backbone.torch_names import rename_torch_weight
from src.engine.weight_format import WeightFormat
from src.errors import InputError

PERCEPTRON = re.compile(r"^(?:(\w+)_discriminator\.)?(?:regressor\.)?fc_blocks\.regressor_fc_(\d)\.(\w+)$")
SHARED = re.compile(r"^pose_discriminator\.conv_blocks\.conv_(\d)\.(\w+)$")
PER_JOINT = re.compile(r"^pose_discriminator\.fc_layer\.(\d+)\.(\w+)$")
HEAD = ("fc1.", "fc2.", "decpose.", "decshape.", "deccam.", "init_")
SIX_D_OUTPUT = "regressor.decpose.weight"  # a name that only profile mmpose has
REGRESSOR = ("regressor.",)


def rename_pytorch_hmr(name: str) -> str | None:
    """Our name of a tensor of pytorch_HMR's generator."""
    match = PERCEPTRON.match(name)
    if match:
        layer = ("fc1", "fc2", "output")[int(match.group(2))]
        return f"regressor.{layer}.{match.group(3)}"
    return rename_torch_weight(name)


def rename_spin(name: str) -> str | None:
    """Our name of a tensor of SPIN, which has backbone and head side by side."""
    return f"regressor.{name}" if name.startswith(HEAD) else _below("encoder", rename_torch_weight(name))


def rename_torchvision(name: str) -> str | None:
    """Our name of a tensor of torchvision's ResNet; its classifier is dropped."""
    return None if name.startswith("fc.") else _below("encoder", rename_torch_weight(name))


def rename_parts(backbone: str, head: str) -> Callable[[str], str | None]:
    """Makes the rule for a file that has the backbone and the head below these names; the rest is dropped."""
    def rename(name):
        for part in (backbone, head):
            if name.startswith(part + "."):
                rest = name[len(part) + 1:]
                return _below("encoder", rename_torch_weight(rest)) if part == backbone else f"regressor.{rest}"
        return None

    return rename


def rename_discriminator(name: str) -> str | None:
    """Our name of a tensor of a published discriminator, with a joint's number where 23 are one here."""
    match = SHARED.match(name)
    if match:
        return f"shared{int(match.group(1)) + 1}.{match.group(2)}"
    match = PER_JOINT.match(name)
    if match:
        return f"joint_{match.group(2)}.{int(match.group(1)):02}"
    match = PERCEPTRON.match(name)
    if match:
        part = {"full_pose": "full", "shape": "shape"}.get(match.group(1), match.group(1))
        return f"{part}{int(match.group(2)) + 1}.{match.group(3)}"
    return name


def rename_discriminator_part(name: str) -> str | None:
    """The same for a file that holds the discriminator beside other things, which are dropped."""
    prefix = "discriminator."
    return rename_discriminator(name[len(prefix):]) if name.startswith(prefix) else None


def assemble_generator(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Keeps one row of a mean that is stored once per sample of a batch."""
    name = "regressor.mean_theta"
    return {**arrays, name: arrays[name][:1]} if name in arrays else arrays


def assemble_discriminator(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Stacks the 23 layers and drops the size of the convolutions' windows."""
    made = {name: array for name, array in arrays.items() if not name.startswith("joint_")}
    for leaf in ("weight", "bias"):
        rows = [arrays[name] for name in sorted(arrays) if name.startswith(f"joint_{leaf}.")]
        if len({row.shape for row in rows}) == 1:
            made[f"joint_{leaf}"] = np.concatenate(rows)
    for name in ("shared1.weight", "shared2.weight"):
        if name in made and made[name].shape[2:] == (1, 1):
            made[name] = made[name][:, :, 0, 0]
    return made


def source_formats(profile: str, make_discriminator: Callable[[], nn.Cell]) -> dict[str, WeightFormat]:
    """The kinds of files that can be converted, in the order in which they are tried.

    Args: profile: that of the configuration.
          make_discriminator: builds the discriminator, which is a file of its own here.
    """
    def check_profile(names: Collection[str]) -> None:
        found = "mmpose" if SIX_D_OUTPUT in names else "hmr"
        if found != profile:
            raise InputError(f"the file holds a network of profile {found}: add --profile {found}")

    def starts(prefix):
        return lambda names: any(name.startswith(prefix) for name in names)

    def holds(wanted):
        return lambda names: wanted in names

    mmpose_note = "these weights expect --profile mmpose --input_range imagenet --channel_order rgb"
    hmr_note = ("these weights expect --rotate_base true --input_range signed --channel_order bgr, and the body of "
                "neutral_smpl_with_cocoplus_reg.pkl")
    return {
        "pytorch_hmr": WeightFormat("generator of MandyMo/pytorch_HMR", holds("regressor.mean_theta"),
                                    rename_pytorch_hmr, check=check_profile, note=hmr_note,
                                    assemble=assemble_generator),
        "pytorch_hmr_discriminator": WeightFormat(
            "discriminator of MandyMo/pytorch_HMR, for --discriminator_path", starts("pose_discriminator."),
            rename_discriminator, assemble=assemble_discriminator, network=make_discriminator),
        "mmpose": WeightFormat("open-mmlab/mmpose hmr_mesh, with backbone. and mesh_head.", starts("backbone."),
                               rename_parts("backbone", "mesh_head"), check=check_profile, note=mmpose_note),
        "mmpose_generator": WeightFormat(
            "open-mmlab/mmpose hmr_mesh, with generator.0. and generator.1. only", starts("generator.0."),
            rename_parts("generator.0", "generator.1"), check=check_profile, note=mmpose_note),
        "mmpose_discriminator": WeightFormat(
            "the discriminator in a file of open-mmlab/mmpose, for --discriminator_path; it must be asked for",
            lambda names: False, rename_discriminator_part, assemble=assemble_discriminator,
            network=make_discriminator),
        "spin": WeightFormat("nkolot/SPIN", holds("decpose.weight"), rename_spin, check=check_profile,
                             note=mmpose_note),
        "torchvision": WeightFormat("ImageNet ResNet of torchvision, a backbone for --pretrained",
                                    holds("layer4.0.conv1.weight"), rename_torchvision, may_be_missing=REGRESSOR),
    }


def _below(parent: str, name: str | None) -> str | None:
    return None if name is None else f"{parent}.{name}"
