"""The sdist that goes to servers, and the editable install that `make run` uses."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (HERE / "server/raindrop/__init__.py").read_text()
).group(1)

setup(
    name="raindrop",
    version=VERSION,
    description="A self-hosted backend on plain Linux servers",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    package_dir={"": "server"},
    packages=find_packages("server"),
    py_modules=["wsgi"],
    include_package_data=True,
    package_data={
        "raindrop.functions": ["launchers/*"],
        "raindrop.mails": ["templates/*"],
        "raindrop.migrations": ["script.py.mako"],
    },
    entry_points={"console_scripts": ["raindrop = raindrop.cli:main"]},
)
