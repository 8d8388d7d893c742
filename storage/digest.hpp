// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lyceum::storage {

/// SHA-256 in steps. `add` takes bytes; `field` takes a text with its length, so that ("ab","c") and ("a","bc") differ.
class sha256 {
public:
  sha256();
  ~sha256();
  sha256(const sha256&) = delete;
  sha256& operator=(const sha256&) = delete;

  sha256& add(std::string_view bytes);
  sha256& field(std::string_view text);
  sha256& field(std::int64_t number);
  /// 64 hexadecimal digits. Ends the computation.
  std::string hex();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// SHA-256 of some bytes, as 64 hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// SHA-256 of a file's bytes, read in pieces of 1 MiB. Empty where it cannot be read (errno says why).
std::string sha256_of_file(const std::string& path);

} // namespace lyceum::storage
