// SPDX-License-Identifier: Apache-2.0
// The Cookie field. Properties: what is found is a value that lies in the field and could be set; a guarded name that stands there twice
// is none; a good pair behind odd ones is found unless its name was.

#include "http/cookies.hpp"
#include "check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lyceum::http;
  const std::string_view field(reinterpret_cast<const char*>(data), size);
  for (const auto name : {session_cookie_name(true), std::string_view("a"), std::string_view("")}) {
    const auto value = find_cookie(field, name);
    if (!value)
      continue;
    FUZZ_CHECK(value->data() >= field.data() && value->data() + value->size() <= field.data() + size);
    FUZZ_CHECK(is_cookie_value(*value) && value->find(';') == std::string_view::npos);
    FUZZ_CHECK(set_cookie({.name = name, .value = *value}).starts_with(std::string(name) + "=" + std::string(*value)));
  }

  const std::string twice = std::string(field) + "; __Host-session=1; __Host-session=1";
  FUZZ_CHECK(!find_cookie(twice, session_cookie_name(true)));
  if (field.find("unseen") == std::string_view::npos) {
    const auto longer = std::string(field) + "; unseen=1";
    const auto last = find_cookie(longer, "unseen");
    FUZZ_CHECK(last == std::string_view("1") || size + 10 > cookie_field_octets_max ||
               static_cast<std::size_t>(std::count(field.begin(), field.end(), ';')) + 2 > cookie_pairs_max);
  }
  return 0;
}
