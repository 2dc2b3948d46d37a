import numpy as np
import pytest

from leafwise.plots import draw_embedding


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def flat(embeddings):
    return embeddings.reshape(len(embeddings), -1).T  # (n, D)


def test_colors_are_the_stretched_components_of_the_covariance():
    embeddings = noise(5, 20, 30) * np.array([1, 7, 2, 4, 0.1], np.float32)[:, None, None]
    points = flat(embeddings).astype(float)
    axes = np.linalg.eigh(np.cov(points.T))[1][:, ::-1][:, :3]
    axes *= np.sign(axes[np.abs(axes).argmax(0), range(3)])
    components = (points - points.mean(0)) @ axes
    low, high = np.percentile(components, [2, 98], axis=0)
    expected = 255 * np.clip((components - low) / (high - low), 0, 1)
    picture = draw_embedding(embeddings)
    assert picture.shape == (20, 30, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_allclose(picture.reshape(-1, 3), expected, atol=1)


def test_two_in_a_hundred_at_either_end_are_cut_off():
    picture = draw_embedding(np.arange(101, dtype=np.float32).reshape(1, 1, 101))[0, :, 0].astype(int)
    assert (picture[:3] == 0).all()
    assert (picture[-3:] == 255).all()
    assert (np.diff(picture[2:99]) > 0).all()


def test_the_first_component_is_red_and_grows_with_the_channel_that_says_most():
    embeddings = np.zeros((4, 1, 48), np.float32)
    embeddings[2, 0] = np.arange(48)
    embeddings[0, 0] = np.tile([0, 1, 1, 0], 12)  # and no correlation between the two
    picture = draw_embedding(embeddings)[0]
    assert (np.diff(picture[2:46, 0].astype(int)) > 0).all()  # not falling: the sign is the same at all times
    assert set(picture[:, 1]) == {0, 255}
    assert set(picture[:, 2]) == {128}  # no third direction in which pixels differ


def test_only_the_foreground_counts_and_all_else_is_black():
    embeddings, inside = noise(6, 16, 16), np.zeros((16, 16), bool)
    inside[2:10, 3:12] = True
    picture = draw_embedding(embeddings, inside)
    assert not picture[~inside].any()
    assert picture[inside].reshape(-1, 3).max(0).tolist() == [255, 255, 255]
    elsewhere = np.where(inside, embeddings, 1000 * noise(6, 16, 16, seed=1)).astype(np.float32)
    np.testing.assert_array_equal(draw_embedding(elsewhere, inside), picture)
    np.testing.assert_array_equal(draw_embedding(embeddings[:, 2:10, 3:12]), picture[2:10, 3:12])


def test_a_turned_and_shifted_space_looks_the_same_but_for_signs():
    embeddings = noise(4, 12, 12) * np.array([1, 8, 4, 2], np.float32)[:, None, None]
    turn = np.linalg.qr(noise(4, 4, seed=2))[0]
    turned = np.einsum("ij,jhw->ihw", turn, embeddings).astype(np.float32) + 3
    one, other = draw_embedding(embeddings).astype(int), draw_embedding(turned).astype(int)
    for channel in range(3):
        same, mirrored = other[..., channel], 255 - other[..., channel]
        assert min(np.abs(one[..., channel] - picture).max() for picture in (same, mirrored)) <= 1


@pytest.mark.parametrize("channels", [1, 2])
def test_fewer_channels_than_colors_leave_grey(channels):
    picture = draw_embedding(noise(channels, 9, 9))
    assert (picture[..., channels:] == 128).all()
    assert np.ptp(picture[..., channels - 1]) == 255


def test_pixels_that_do_not_differ_are_grey_and_none_are_no_failure():
    same = np.full((8, 5, 6), 0.1, np.float32)
    assert (draw_embedding(same) == 128).all()
    one, none = np.zeros((5, 6), bool), np.zeros((5, 6), bool)
    one[2, 3] = True
    picture = draw_embedding(noise(8, 5, 6), one)
    assert picture[2, 3].tolist() == [128, 128, 128]
    assert not picture[~one].any()
    assert not draw_embedding(noise(8, 5, 6), none).any()


def test_what_is_handed_in_is_left_alone():
    embeddings = noise(5, 8, 8)
    before = embeddings.copy()
    draw_embedding(embeddings, embeddings[0] > 0)
    np.testing.assert_array_equal(embeddings, before)
