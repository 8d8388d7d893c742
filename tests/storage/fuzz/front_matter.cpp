// SPDX-License-Identifier: Apache-2.0
// Any bytes: front matter never crashes, keeps its bounds, and its body is a part of what came in.
#include "storage/front_matter.hpp"
#include "storage/moments.hpp"
#include "storage/site_file.hpp"
#include "storage/words.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

void demand(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lyceum::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const parsed_text out = parse_text(bytes);
  demand(out.body.empty() ||
         (out.body.data() >= bytes.data() && out.body.data() + out.body.size() == bytes.data() + size));
  demand(!out.ok() || !out.head.title.empty());
  demand(out.head.tags.size() <= front_matter_list_max);
  demand(out.body_line >= 1);
  for (const auto& f : out.faults)
    demand(f.line >= 1 && !f.message.empty());
  if (const auto moment = parse_moment(bytes, "UTC"))
    demand(moment->time_since_epoch() > -std::chrono::hours(24) && size >= 10);
  demand(reading_minutes(bytes) >= 1);
  if (const auto bad = first_bad_utf8(bytes))
    demand(*bad < size);
  const parsed_site site = parse_site(bytes);
  demand(!site.ok() || !site.site.title.empty());
  return 0;
}
