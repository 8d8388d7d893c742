// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lyceum::storage {

/// Width and height of a picture in CSS pixels; zeros where they are not known.
struct image_size {
  int width = 0;
  int height = 0;

  bool operator==(const image_size&) const = default;
};

/// Reads a picture's head: PNG, JPEG, GIF, WebP, AVIF and SVG. Zeros for anything else, what is cut off, and sizes beyond
/// 65535. At most 64 KiB are read, and 200 segments of a JPEG looked at.
image_size image_size_of(const std::string& file);

} // namespace lyceum::storage
