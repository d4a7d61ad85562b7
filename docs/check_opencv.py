"""Make sure that OpenCV can be imported; on a server without libGL, change to its headless build.

The Makefile runs this after each installation.
"""

import subprocess
import sys


def imports() -> bool:
    """Whether a new interpreter can import OpenCV."""
    return subprocess.run([sys.executable, "-c", "import cv2"], capture_output=True).returncode == 0


if not imports():
    print("OpenCV's desktop build does not start here (no libGL?); taking the headless build")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "uninstall", "--yes", "opencv-python"], check=True)
    headless = "opencv-python-headless>=4.10,<5"
    subprocess.run([*pip, "install", "--force-reinstall", "--no-deps", headless], check=True)
    if not imports():
        sys.exit("OpenCV cannot be imported even so; try: apt-get install libgl1 libglib2.0-0")
