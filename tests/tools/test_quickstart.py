"""The summary of the whole way."""

from src.tools.quickstart import print_summary


def test_long_names_of_metrics_keep_their_columns(tmp_path, capsys):
    scores = {network: {"mean_pose_vertex_error_mm": 100.0 + row, "ap": 0.5, "protocol": "made up"}
              for row, network in enumerate(("random", "trained", "exported"))}
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "predictions.jpg").touch()
    print_summary(scores, "ap", tmp_path, 90)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["network", "random", "trained", "exported"],
        ["mean_pose_vertex_error_mm", "100.0000", "101.0000", "102.0000"], ["ap", "0.5000", "0.5000", "0.5000"]]
    assert len({len(line) for line in lines[1:4]}) == 1
    assert "ap 0.5000 on held-out pictures, a random network 0.5000, in 1.5 minutes" in lines
    assert lines[-1].endswith("predictions.jpg")
