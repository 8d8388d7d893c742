// SPDX-License-Identifier: Apache-2.0
// What an author says about a text above it. Pure; takes any bytes.
#pragma once

#include "storage/fault.hpp"
#include "storage/model/access.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage {

inline constexpr std::size_t front_matter_bytes_max = 16 * 1024;
inline constexpr std::size_t front_matter_keys_max = 64;
inline constexpr std::size_t front_matter_list_max = 64;
inline constexpr std::size_t front_matter_scalar_max = 4096; ///< bytes of one value

/// The keys as stated; what is absent was not stated. Times stay text: they need the site's zone.
struct front_matter {
  std::string title;
  std::string summary;
  std::string author;
  std::optional<access> who;
  std::string published;
  bool draft = false;
  std::vector<std::string> tags;
  std::string slug;
  std::string video;
  std::optional<std::chrono::seconds> duration;
  std::string revision;
  std::string updated;
  std::vector<std::string> redirect_from;

  bool stated = false;                           ///< false: the file has none, and `title` is its first heading's
  std::map<std::string, int, std::less<>> lines; ///< of each key, from 1
  int line_of(std::string_view key) const;       ///< 1 where it was not stated
};

struct parsed_text {
  front_matter head;
  std::string_view body;     ///< a part of what was parsed; without the heading that became the title
  int body_line = 1;         ///< where the body starts
  std::vector<fault> faults; ///< without file names
  bool ok() const;           ///< no fault is an error
};

/// YAML between two `---` lines, or an Elixir map `%{ … }` and a `---` line, or none. Every scalar is text ("no" stays "no").
/// An unknown key is a warning that names the nearest known one; a key twice, a value of the wrong shape, YAML that does not
/// parse, and whatever passes the bounds above are errors with their line.
parsed_text parse_text(std::string_view bytes);

} // namespace lyceum::storage
