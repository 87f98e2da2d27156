// SPDX-License-Identifier: MIT
// The source that owns the precompiled header.
