"""Annotations in the formats of other data sets, as label maps: COCO, Pascal VOC, Cityscapes."""

from leafwise.datasets.formats.cityscapes import CITYSCAPES_CLASSES, is_cityscapes, read_cityscapes
from leafwise.datasets.formats.coco import is_coco, read_coco
from leafwise.datasets.formats.convert import Conversion, Converted, convert_photos
from leafwise.datasets.formats.known import FORMATS, Format, guess_format, read_annotations
from leafwise.datasets.formats.photos import AnnotatedPhoto
from leafwise.datasets.formats.voc import VOC_CLASSES, is_voc, read_voc

__all__ = [
    "CITYSCAPES_CLASSES",
    "FORMATS",
    "VOC_CLASSES",
    "AnnotatedPhoto",
    "Conversion",
    "Converted",
    "Format",
    "convert_photos",
    "guess_format",
    "is_cityscapes",
    "is_coco",
    "is_voc",
    "read_annotations",
    "read_cityscapes",
    "read_coco",
    "read_voc",
]
