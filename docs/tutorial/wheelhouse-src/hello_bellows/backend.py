"""Builds the wheel with nothing but Python: PEP 517 (the hook), PEP 427 (the format), PEP 376 (RECORD).

The same sources give the same bytes: names are sorted and times are fixed.
"""

import base64
import hashlib
import os
import zipfile

NAME = 'hello_bellows'
VERSION = '1.0.0'
METADATA = f"""Metadata-Version: 2.1
Name: {NAME.replace('_', '-')}
Version: {VERSION}
Summary: A very small web framework
License: Apache-2.0
Requires-Python: >=3.9
"""
WHEEL = """Wheel-Version: 1.0
Generator: hello_bellows
Root-Is-Purelib: true
Tag: py3-none-any
"""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Writes the wheel into wheel_directory and returns its file name."""
    here = os.path.dirname(os.path.abspath(__file__))
    info = f'{NAME}-{VERSION}.dist-info'
    files = {f'{info}/METADATA': METADATA.encode(), f'{info}/WHEEL': WHEEL.encode()}
    for file in os.listdir(os.path.join(here, NAME)):
        if file.endswith('.py'):
            with open(os.path.join(here, NAME, file), 'rb') as source:
                files[f'{NAME}/{file}'] = source.read()
    record = ''.join(f'{path},{digest(files[path])},{len(files[path])}\n' for path in sorted(files))
    files[f'{info}/RECORD'] = f'{record}{info}/RECORD,,\n'.encode()
    wheel = f'{NAME}-{VERSION}-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), 'w', zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files, key=lambda path: (path.startswith(info), path)):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path])
    return wheel


def digest(content):
    return 'sha256=' + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')
