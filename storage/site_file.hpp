// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/fault.hpp"
#include "storage/model/course.hpp"

#include <string_view>
#include <vector>

namespace lyceum::storage {

struct parsed_site {
  site_info site; ///< `languages` stays empty
  std::vector<fault> faults;
  bool ok() const;
};

/// site.toml: title (required), description, language, timezone, author, accent, trusted_html, navigation = [{title, url}].
/// An unknown key is a warning that names the nearest known one.
parsed_site parse_site(std::string_view toml);

} // namespace lyceum::storage
