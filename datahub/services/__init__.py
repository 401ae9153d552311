"""The hub's writers."""

from .blobs import push_rows
from .catalogue import load_packs, save_dataset
from .deliveries import deliver, fold_blobs, receive, receive_upload, recover_deliveries, work_dataset

__all__ = [
    "deliver",
    "fold_blobs",
    "load_packs",
    "push_rows",
    "receive",
    "receive_upload",
    "recover_deliveries",
    "save_dataset",
    "work_dataset",
]
