import numpy as np
from painted import paint, two_plants

from leafwise.batch import draw_trace, explain
from leafwise.segmenter import trace_leaves


def test_of_very_many_squares_those_with_most_in_them_have_pictures(segmenter, monkeypatch):
    photo = paint(two_plants(4))  # 480 pixels of leaves on the left, 400 on the right
    trace = trace_leaves(segmenter, photo)

    def shown():
        pictures = draw_trace(photo, trace)
        assert pictures[1].shows.startswith("squares looked at: 2")
        return {picture.name.split("_")[0] for picture in pictures} - {"explain.png", "photo"}

    assert shown() == {"plant1", "plant2"}
    monkeypatch.setattr(explain, "MOST_SHOWN", 1)
    assert shown() == {"plant1"}
    assert draw_trace(photo, trace)[1].shows.endswith("the 1 with most in them are shown")
    few = draw_trace(photo, trace_leaves(segmenter, photo, most=1))
    for picture, other in zip(few, draw_trace(photo, trace), strict=True):
        assert (picture.name, picture.shows) == (other.name, other.shows)
        np.testing.assert_array_equal(picture.image, other.image)
    right_first = trace_leaves(segmenter, photo[:, ::-1])
    assert draw_trace(photo[:, ::-1], right_first)[2].name.startswith("plant2")
