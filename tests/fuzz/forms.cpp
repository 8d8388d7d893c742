// SPDX-License-Identifier: Apache-2.0
// A form's body, and a path to go on to. Properties: names are there once, values are UTF-8 without NUL, what was read can be sent and read
// again as the same; whatever is brought, one stays on this site.

#include "http/forms.hpp"
#include "check.hpp"
#include "http/target.hpp"

#include <cstdint>
#include <set>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lyceum::http;
  constexpr std::string_view type = "application/x-www-form-urlencoded";
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto read = read_form(type, body)) {
    FUZZ_CHECK(read->fields().size() <= form_fields_max);
    std::set<std::string> names;
    std::string again;
    for (const auto& [name, value] : read->fields()) {
      FUZZ_CHECK(names.insert(name).second);
      FUZZ_CHECK(is_utf8(name) && is_utf8(value));
      FUZZ_CHECK(name.find('\0') == name.npos && value.find('\0') == value.npos);
      again += (again.empty() ? "" : "&") + query_value(name) + "=" + query_value(value);
    }
    const auto twice = read_form(type, again);
    FUZZ_CHECK(twice && twice->fields() == read->fields());
  }
  FUZZ_CHECK(!read_form("text/plain", body));

  const auto path = own_path(body);
  FUZZ_CHECK(path.starts_with('/') && (path.size() == 1 || (path[1] != '/' && path[1] != '\\')));
  for (const char c : path)
    FUZZ_CHECK(c > 0x20 && c < 0x7f && c != '\\');
  FUZZ_CHECK(own_path(path) == path || path.size() > own_path_octets_max);
  return 0;
}
