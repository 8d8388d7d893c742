// SPDX-License-Identifier: Apache-2.0
// Targets to paths and routes. Properties: a path that is taken is normal; encoding and reading it again gives the same
// path; a redirect leads to a path of ours that is taken and does not move again.

#include "http/target.hpp"
#include "check.hpp"
#include "http/router.hpp"

#include <cstdint>

namespace {

using namespace lyceum;
using namespace lyceum::http;

route row(std::string pattern) {
  route out;
  out.method = "GET";
  out.pattern = std::move(pattern);
  out.run = [](const request&, storage::db*) { return response{}; };
  out.translated = true;
  return out;
}

const router& routes() {
  static const router table({row("/"), row("/courses"), row("/courses/:course"), row("/courses/:course/:lesson"),
                             row("/:slug"), row("/media/:id/*name")},
                            [](std::string_view tag) { return tag == "fr" || tag == "zh-hans"; });
  return table;
}

void check_path(const std::string& path) {
  FUZZ_CHECK(path.starts_with('/'));
  FUZZ_CHECK(is_utf8(path));
  FUZZ_CHECK(path.find("//") == std::string::npos);
  FUZZ_CHECK((path + "/").find("/../") == std::string::npos);
  FUZZ_CHECK((path + "/").find("/./") == std::string::npos);
  FUZZ_CHECK(path.find('\\') == std::string::npos);
  for (const char c : path)
    FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = read_target(text);
  if (!read)
    return 0;
  check_path(read->path);
  FUZZ_CHECK(read->query.size() <= target::query_fields_max);
  const auto again = read_target(encoded_path(read->path));
  FUZZ_CHECK(again && again->path == read->path);

  const auto found = routes().find("GET", read->path);
  if (found.what == router::found::kind::moved) {
    FUZZ_CHECK(found.location.starts_with('/') && !found.location.starts_with("//"));
    const auto there = read_target(found.location);
    FUZZ_CHECK(there);
    FUZZ_CHECK(routes().find("GET", there->path).what == router::found::kind::route);
  }
  return 0;
}
