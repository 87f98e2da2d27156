// SPDX-License-Identifier: MIT
#pragma once

/// The single source of the version: CMake, pkg-config and the package files read it here.
#define GABION_VERSION_MAJOR 0
#define GABION_VERSION_MINOR 1
#define GABION_VERSION_PATCH 0
