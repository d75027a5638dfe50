#!/bin/sh
# Fills app/wheelhouse with what app/requirements.txt asks for. With the internet this would be
# `pip wheel -r requirements.txt`; here the one package is our own, and Python alone can build it.
set -eu
cd "$(dirname "$0")"
mkdir -p app/wheelhouse
wheelhouse=$PWD/app/wheelhouse
cd wheelhouse-src/hello_bellows
python3 -B -c 'import sys, backend; print(backend.build_wheel(sys.argv[1]))' "$wheelhouse"
