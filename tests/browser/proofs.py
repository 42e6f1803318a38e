"""What a reader may rely on in the live page: each proof is a file, opens the page for itself and is listed here.

    python3 tests/browser/proofs.py [--browser chromium|firefox] QKV PAGE FOLDER

`playground.py` calls them, too. FOLDER gets what is downloaded, and pictures.
"""

import os
import time

import downloads
import edits
import every_control
import hostile_text
import keyboard
import live_address
import live_beats
import live_companions
import live_pairs
import live_pictures
import live_question
import live_room
import live_stations
import live_texts
import live_truth
import narrow_window
import native_figures
import pinned_query
import printed_page
import reduced_motion
from browser import arguments

PROOFS = [
    pinned_query,
    edits,
    native_figures,
    downloads,
    hostile_text,
    narrow_window,
    printed_page,
    keyboard,
    reduced_motion,
    live_companions,
    live_beats,
    live_stations,
    live_truth,
    live_room,
    live_question,
    live_texts,
    live_address,
    live_pictures,
    live_pairs,
    every_control,
]


def prove(browser, page, binary, folder):
    for proof in PROOFS:
        start = time.monotonic()
        proof.check(browser, page, binary, folder)
        assert browser.complaints() == [], browser.complaints()
        print(f"{proof.__name__}: {time.monotonic() - start:.1f} s")


def main(maker, binary, page, folder):
    os.makedirs(folder, exist_ok=True)
    with maker() as browser:
        prove(browser, page, binary, folder)


if __name__ == "__main__":
    main(*arguments(__doc__, "qkv", "page", "folder"))
