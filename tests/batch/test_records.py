import os
import time
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.batch.records import (
    FOLDER,
    UNFINISHED,
    Entry,
    Record,
    claim_name,
    expire_records,
    follow_moved,
    is_done,
    move_records,
    name_photos,
    read_entries,
    read_records,
    remove_orphans,
    rows_of,
    write_record,
    write_tables,
)
from leafwise.imaging import digest_of


def record_of(name, n_leaves=1, **changes):
    leaves = [{"leaf": i + 1, "area_px": 10 * i} for i in range(n_leaves)]
    values = {"source": f"/photos/{name}.png", "digest": "d", "leaves": leaves, "plants": []}
    return Record(name, **(values | changes))


@pytest.fixture
def out(tmp_path):
    (tmp_path / FOLDER).mkdir()
    return tmp_path


def test_what_is_kept_is_read_again(out):
    table = pd.DataFrame({"leaf": [1, 2], "area_px": [12, 7], "solidity": [0.1 + 0.2, 1.0]})
    record = record_of("a", leaves=rows_of(table), plants=rows_of(table.iloc[:0]))
    write_record(out, record)
    assert read_records(out) == {"a": record}
    pd.testing.assert_frame_equal(pd.DataFrame(read_records(out)["a"].leaves), table)


def test_there_are_no_records_in_a_new_folder(tmp_path):
    assert read_records(tmp_path) == read_entries(tmp_path) == {}


def test_entries_have_no_rows_and_photos_that_move_lose_none(out):
    photo = out / "here.png"
    photo.write_bytes(b"x")
    record = record_of("a", n_leaves=3, source=str(out / "gone.png"), digest=digest_of(photo))
    write_record(out, record)
    assert read_entries(out) == {"a": Entry("a", record.source, record.digest)}
    followed = follow_moved([photo], read_entries(out))
    assert followed == {"a": Entry("a", str(photo), record.digest)}
    move_records(out, followed.values())
    assert read_records(out) == {"a": replace(record, source=str(photo))}


def test_tables_are_in_natural_order_and_short(out):
    for name in ("p10", "p9", "p1"):
        write_record(out, record_of(name, n_leaves=2, plants=[{"plant": 1, "area_px": 1 / 3}]))
    tables = write_tables(out)
    assert tables["leaves"]["photo"].tolist() == ["p1", "p1", "p9", "p9", "p10", "p10"]
    assert (out / "leaves.csv").read_text().splitlines()[:3] == ["photo,leaf,area_px", "p1,1,0", "p1,2,10"]
    assert (out / "plants.csv").read_text().splitlines()[1] == "p1,1,0.3333333333"
    assert len(tables["plants"]) == 3
    assert (out / "photos.csv").read_text().splitlines()[:2] == [
        "photo,plant_count,leaf_count,file",
        "p1,1,2,/photos/p1.png",
    ]


def test_areas_of_a_large_photo_are_written_to_the_pixel(out):
    write_record(out, record_of("a", plants=[{"plant": 1, "convex_hull_area_px": 12_345_678.5}]))
    write_tables(out)
    assert (out / "plants.csv").read_text().splitlines()[1] == "a,1,12345678.5"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_photo_is_done_when_record_and_results_are_there(out, suffix):
    photo = out / "photo.jpg"
    photo.write_bytes(b"x")
    record = record_of("photo", digest=digest_of(photo))
    assert not is_done(out, record, photo)
    for name in (f"photo_label{suffix}", "photo_overlay.png"):
        (out / name).touch()  # as a power cut may leave it
        assert not is_done(out, record, photo)
        (out / name).write_bytes(b"content")
    assert is_done(out, record, photo)
    assert not is_done(out, None, photo)
    photo.write_bytes(b"y")
    assert not is_done(out, record, photo)


def test_expired_records_keep_names_and_nothing_else(out):
    photo = out / "photo.jpg"
    photo.write_bytes(b"x")
    for name in ("photo_label.png", "photo_overlay.png"):
        (out / name).write_bytes(b"content")
    write_record(out, record_of("photo", source=str(photo), digest=digest_of(photo)))
    expire_records(out, read_entries(out).values())
    entries = read_entries(out)
    assert not is_done(out, entries["photo"], photo)
    assert name_photos([photo], entries) == {photo: "photo"}
    assert write_tables(out)["leaves"].empty


def test_a_claim_clears_the_rows_of_an_earlier_run_and_is_written_once(out):
    photo = out / "photo.jpg"
    write_record(out, record_of("photo"))
    claim_name(out, "photo", photo)
    assert read_records(out) == {"photo": Record("photo", str(photo), UNFINISHED, [], [])}
    written = (out / FOLDER / "photo.json").stat().st_ino
    claim_name(out, "photo", photo)
    assert (out / FOLDER / "photo.json").stat().st_ino == written


def test_temporary_files_of_killed_processes_are_removed_an_hour_later(out):
    old = [out / f".{'0a' * 16}.tmp.png", out / FOLDER / f".{'1b' * 16}.tmp.json"]
    kept = [out / f".{'2c' * 16}.tmp.png", out / ".mine.tmp.png", out / FOLDER / "scan.tmp.json"]
    for path in (*old, *kept):
        path.touch()
    for path in (*old, *kept[1:]):
        os.utime(path, (time.time() - 3700,) * 2)
    remove_orphans(out)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in kept)


PHOTOS = st.lists(
    st.tuples(
        st.sampled_from(["", "x", "y/x", "x_a"]),
        st.sampled_from(["a", "b", "x_a", "a_2"]),
        st.sampled_from([".png", ".jpg", ".PNG"]),
    ).map(lambda parts: "/".join(filter(None, parts[:2])) + parts[2]),
    unique=True,
)


@given(first=PHOTOS, second=PHOTOS)
def test_names_are_never_shared_and_never_change(tmp_path_factory, first, second):
    folder = tmp_path_factory.getbasetemp()  # nothing is read or written there
    names = name_photos([folder / photo for photo in first], {})
    assert len(set(names.values())) == len(first)
    records = {name: record_of(name, source=str(photo)) for photo, name in names.items()}
    both = name_photos([folder / photo for photo in second + first], records)
    assert both.items() >= names.items()
    assert len(set(both.values())) == len(set(first) | set(second))


def test_a_name_is_the_stem_where_that_is_free(tmp_path):
    photos = [
        tmp_path / "m" / "a.png",
        tmp_path / "t" / "a.png",
        tmp_path / "t" / "a.JPG",
        tmp_path / "t" / "b.png",
    ]
    names = name_photos(photos, {})
    assert list(names.values()) == ["a", "t_a", "t_a_jpg", "b"]
    case = [tmp_path / "u" / "Plant.jpg", tmp_path / "u" / "plant.png"]
    assert list(name_photos(case, {}).values()) == ["Plant", "u_plant"]
    long = [tmp_path / f"{'叶' * 80}{i}.png" for i in range(2)]
    assert all(len(os.fsencode(f"{name}_overlay.png")) < 200 for name in name_photos(long, {}).values())
    assert len(set(name_photos(long, {}).values())) == 2
    further = tmp_path / "t" / "t" / "a.png"
    assert name_photos([*photos, further], {})[further] == "t_a_png"
