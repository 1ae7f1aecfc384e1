"""What holds customers' data or mail is read by its owner alone, and written through no link."""

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from embedded.engine.storage import Database
from outreach.senders import FAILED, HANDED_OVER
from outreach.senders.folder import FolderSender
from runtime.errors import EngineError, UserError
from runtime.private_files import make_private, own_folder, write_whole
from runtime.single_process import single_process
from tests.dbt import PROJECT, run_dbt
from tests.test_deliveries import approve
from tests.test_mail import mail
from training.artefacts import store

pytest_plugins = ("tests.outreach_fixtures",)
pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system has no modes of files")


def open_to_others(folder: Path) -> list[str]:
    """Return what others may read, write or enter: the folder itself and all below it."""
    return [
        f"{path} {stat.filemode(path.lstat().st_mode)}"
        for path in (folder, *folder.rglob("*"))
        if path.lstat().st_mode & 0o077 and not path.is_symlink()
    ]


def open_all(folder: Path) -> None:
    """Leave a folder as an earlier release did where the umask took nothing away."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


@pytest.fixture(params=[0o000, 0o022], ids=["umask 0", "umask 022"])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_commands_leave_nothing_that_others_can_read(pipeline, tmp_path, umask):
    """Sending, a pass, an export, beside what an earlier release has left open to everybody."""
    approve(pipeline, "A", "B")
    pipeline.close()
    (pipeline.path / "models").mkdir()
    (pipeline.path / "models" / "m.onnx").write_bytes(b"x")
    open_all(pipeline.path)
    for command in (
        ("outreach", "run", "--once"),
        ("embedded", "tick"),
        ("embedded", "export", str(tmp_path / "export")),
        ("embedded", "query", "select 1"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=PROJECT, umask=umask, capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert len(list((pipeline.path / "outbox").glob("*.eml"))) == 2
    assert list((tmp_path / "export").glob("*.parquet"))
    assert open_to_others(pipeline.path) == open_to_others(tmp_path / "export") == []


def test_dbt_leaves_nothing_that_others_can_read(tmp_path, monkeypatch, umask):
    """Not even its log, which it begins before this project has a say."""
    for variable, name in (("CHURN_HOME", "home"), ("DBT_LOG_PATH", "logs")):
        monkeypatch.setenv(variable, str(tmp_path / name))
    run_dbt("-q", "run", "-s", "churn_scores_raw", "--target-path", str(tmp_path / "target"))
    for name in ("home", "logs", "target"):
        assert list((tmp_path / name).iterdir())
        assert open_to_others(tmp_path / name) == []


def test_an_open_database_has_a_private_log_and_private_temporary_files(tmp_path, umask):
    home = tmp_path / "below" / "home"
    database = Database(home)
    with database.session() as opened:
        connection = opened.cursor()
        connection.execute("create table t as select 1 as a")
        connection.execute("set memory_limit = '60MB'")
        connection.execute("set threads = 1")
        # As long as the answer is not read to its end, what did not fit into memory is on the disk.
        rows = connection.execute(
            "select range as a, repeat('x', 200) from range(500000) order by a desc"
        )
        rows.fetchone()
        names = {path.name for path in home.rglob("*")}
        assert names >= {"churn.duckdb", "churn.duckdb.wal", "owner.json", "spill"}
        assert [path for path in (home / "spill").iterdir()]
        assert open_to_others(home) == []
        connection.close()
    database.close()


def test_only_what_is_ours_is_taken_from_others(tmp_path):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.write_text("theirs")
    (home / "notes.txt").write_text("theirs")
    (home / "outbox").symlink_to(tmp_path)
    (home / "a.lock").symlink_to(elsewhere)
    for path in (tmp_path, elsewhere, home / "notes.txt"):
        path.chmod(0o755)
    with Database(home).session():
        pass
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, elsewhere)] == [0o755] * 2
    assert stat.S_IMODE((home / "notes.txt").stat().st_mode) == 0o755
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_folder_for_everybody_stays_one(tmp_path):
    tmp_path.chmod(0o1777)
    make_private([tmp_path])
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_a_system_without_modes_or_owners_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("runtime.private_files.os", SimpleNamespace(name="nt"))
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o644)
    make_private([tmp_path, tmp_path / "file"])
    write_whole(own_folder(tmp_path / "folder") / "file", b"x")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_a_letter_is_written_through_no_link_that_lies_in_wait(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    (outbox / f".A.{os.getpid()}").symlink_to(victim)
    with FolderSender(outbox).session() as session:
        assert session.hand_over(mail(), "A").step == HANDED_OVER
    assert victim.read_text() == "precious"
    assert not (outbox / "A.eml").is_symlink()
    assert stat.S_IMODE((outbox / "A.eml").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["dangling", "to a file", "to a folder", "folder"])
def test_what_is_no_file_at_a_letters_place_is_no_letter(tmp_path, kind):
    outbox, target = tmp_path / "outbox", tmp_path / "target"
    outbox.mkdir()
    if kind == "to a file":
        target.write_text("precious")
    elif kind == "to a folder":
        target.mkdir()
    place = outbox / "A.eml"
    place.mkdir() if kind == "folder" else place.symlink_to(target)
    sender = FolderSender(outbox)
    with sender.session() as session:
        done = session.hand_over(mail(), "A")
    assert (done.step, done.detail) == (FAILED, "A.eml is there and is no file: remove it")
    assert sender.find("A").step == FAILED
    assert [path.name for path in outbox.iterdir()] == ["A.eml"]
    assert kind != "to a file" or target.read_text() == "precious"
    assert kind != "dangling" or not target.exists()


def test_a_letter_that_is_there_counts_and_stays(tmp_path):
    sender = FolderSender(tmp_path)
    (tmp_path / "A.eml").write_text("as it was")
    (tmp_path / ".A.unfinished").write_text("of a process that was killed")
    (tmp_path / ".AB.unfinished").write_text("of another letter")
    with sender.session() as session:
        assert session.hand_over(mail(), "A").step == HANDED_OVER
    assert sender.find("A").step == HANDED_OVER
    assert (tmp_path / "A.eml").read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".AB.unfinished", "A.eml"]


def test_files_about_processes_are_written_through_no_link(tmp_path):
    victim, home = tmp_path / "victim", tmp_path / "home"
    victim.write_text("precious")
    home.mkdir()
    (home / "owner.json").symlink_to(victim)
    (home / "up.holder").symlink_to(victim)
    with Database(home).session():
        assert (home / "owner.json").read_text().startswith('{"process"')
    with single_process(home, "up", "told", threading.Event()) as is_ours:
        assert is_ours
    assert victim.read_text() == "precious"
    for lock in ("owner.lock", "request.lock"):
        (home / lock).unlink()
        (home / lock).symlink_to(tmp_path / "new")
        with pytest.raises(EngineError, match="cannot be used"), Database(home).session():
            pass
        (home / lock).unlink()
    assert not (tmp_path / "new").exists()


def test_a_model_is_written_through_no_link(tmp_path):
    victim, models = tmp_path / "victim", tmp_path / "models"
    victim.write_text("precious")
    models.mkdir()
    (models / ".m.onnx").symlink_to(victim)
    (models / "m.onnx").symlink_to(victim)
    store(None, b"model", str(models), "m.onnx")
    assert victim.read_text() == "precious"
    assert (models / "m.onnx").read_bytes() == b"model"
    assert stat.S_IMODE((models / "m.onnx").lstat().st_mode) == 0o600


def test_what_cannot_be_written_whole_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_where_others_make_folders_too_must_be_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ours = own_folder(tmp_path / "ours")
    ours.chmod(0o777)
    assert stat.S_IMODE(own_folder(ours).stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(ours)
    (tmp_path / "file").write_text("")
    for name in ("link", "file"):
        with pytest.raises(UserError, match="is not a folder of this user"):
            own_folder(tmp_path / name)
    with pytest.raises(UserError, match="cannot be used"):
        own_folder(tmp_path / "nowhere" / "folder")
    if os.geteuid() == 0:
        os.chown(ours, 12345, 12345)
        with pytest.raises(UserError, match="is not a folder of this user"):
            own_folder(ours)
