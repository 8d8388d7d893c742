// SPDX-License-Identifier: Apache-2.0
#include "ops/cache_commands.hpp"

#include "actors/messages.hpp"
#include "actors/page_cache.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lyceum {
namespace {

namespace json = boost::json;
using supervision::control_answer;
using supervision::control_request;

constexpr std::size_t listed = 50;

std::string_view name_of(page_table::freshness state) {
  switch (state) {
  case page_table::freshness::fresh:
    return "fresh";
  case page_table::freshness::stale:
    return "stale";
  case page_table::freshness::revalidating:
    return "revalidating";
  }
  return "?";
}

control_answer good(const json::value& what) {
  return {json::serialize(what), {}, {}};
}
control_answer usage() {
  return {"null", "usage", "cache stats | list [N] | show KEY | evict KEY | evict --tag TAG | warm"};
}

json::object summary_of(const page_table::entry& one) {
  return {{"key", one.key}, {"bytes", one.bytes}, {"hits", one.hits}, {"state", name_of(one.state)}};
}

json::value stats(const page_table& pages, std::size_t bytes_max, const http::front_stats& now) {
  const auto asked = now.hits + now.stale + now.misses;
  return {{"pages", pages.size()},
          {"bytes", pages.bytes()},
          {"bytes_max", bytes_max},
          {"bytes_retired", pages.retired_bytes()},
          {"hits", now.hits},
          {"not_modified", now.not_modified},
          {"stale", now.stale},
          {"misses", now.misses},
          {"hit_percent", asked == 0 ? 100 : (now.hits + now.stale) * 100 / asked}};
}

json::value list(const page_table& pages, std::size_t count) {
  auto all = pages.entries();
  std::ranges::sort(all, std::greater{}, &page_table::entry::hits);
  json::array rows;
  for (std::size_t i = 0; i < std::min(count, all.size()); ++i)
    rows.push_back(summary_of(all[i]));
  return rows;
}

control_answer show(const page_table& pages, const std::string& key) {
  const auto found = pages.entry_of(key);
  if (!found)
    return {"null", "not_found", "no page has the key " + key + "; `cache list` shows those that there are"};
  auto row = summary_of(*found);
  const auto& page = *found->what;
  row["status"] = page.status;
  row["route"] = page.route;
  row["content_seq"] = page.content_seq;
  row["tags"] = json::value_from(page.tags);
  const auto encoding = [&](const char* name, const std::shared_ptr<const page_bytes>& made) {
    if (made)
      row[name] = json::object{{"bytes", made->body.size()}, {"etag", made->etag}};
  };
  encoding("identity", page.identity);
  encoding("gzip", page.gzip);
  encoding("brotli", page.brotli);
  return good(row);
}

} // namespace

void add_cache_commands(supervision::control& control, supervision::system& tree, page_table& pages,
                        std::size_t bytes_max, std::function<http::front_stats()> traffic) {
  control.on(
      "cache",
      [&tree, &pages, bytes_max, traffic](const control_request& asked, supervision::control_reply reply) {
        const auto& args = asked.args;
        const std::string verb = args.empty() ? "stats" : args[0];
        if (verb == "stats" && args.size() <= 1)
          return reply(good(stats(pages, bytes_max, traffic())));
        if (verb == "list" && args.size() <= 2) {
          std::size_t count = listed;
          if (args.size() == 2)
            if (const auto [end, bad] = std::from_chars(args[1].data(), args[1].data() + args[1].size(), count);
                bad != std::errc{} || end != args[1].data() + args[1].size())
              return reply(usage());
          return reply(good(list(pages, count)));
        }
        if (verb == "show" && args.size() == 2)
          return reply(show(pages, args[1]));
        auto& cache = tree.named("cache/page_cache");
        if (verb == "evict" && args.size() == 3 && args[1] == "--tag") {
          const bool told = supervision::tell(cache, evict_pages{args[2], 0});
          return reply(told ? good({{"evicting", args[2]}})
                            : control_answer{"null", "unavailable", "the page cache is away"});
        }
        if (verb == "evict" && args.size() == 2 && !args[1].starts_with("--")) {
          if (!pages.find(args[1]))
            return reply({"null", "not_found", "no page is kept under " + args[1] + "; `cache list` names them"});
          const bool told = supervision::tell(cache, forget_page{args[1]});
          return reply(told ? good({{"evicting", args[1]}})
                            : control_answer{"null", "unavailable", "the page cache is away"});
        }
        if (verb == "warm" && args.size() == 1) {
          const bool told = supervision::tell(tree.named("cache/warmer"), warm_atom::value);
          return reply(told ? good({{"warming", true}}) : control_answer{"null", "unavailable", "the warmer is away"});
        }
        reply(usage());
      },
      supervision::control_rule{supervision::control_caller::role::operator_, true, {"stats", "list", "show"}});
}

} // namespace lyceum
