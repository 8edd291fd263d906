"""Puts a tree of files onto the code volume of a simulated node, as mpremote puts them onto a board.

micropython install.py IMAGE FOLDER        the image is made new
"""

import os
import sys

import flash_file
import vfs

PIECE = 1024
CODE_BLOCKS = 512  # as safe.py has it


def copy(folder: str, target: str) -> None:
    for name in os.listdir(folder):
        source, there = folder + "/" + name, target + "/" + name
        if os.stat(source)[0] & 0x4000:
            os.mkdir(there)
            copy(source, there)
        else:
            with open(source, "rb") as read, open(there, "wb") as write:
                while True:
                    piece = read.read(PIECE)
                    if not piece:
                        break
                    write.write(piece)


def main(image: str, folder: str) -> None:
    chip = flash_file.FlashFile(image, CODE_BLOCKS)
    vfs.VfsLfs2.mkfs(chip)
    vfs.mount(vfs.VfsLfs2(chip), "/code")
    copy(folder, "/code")
    vfs.umount("/code")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
