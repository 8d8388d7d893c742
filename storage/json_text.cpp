// SPDX-License-Identifier: Apache-2.0
#include "storage/json_text.hpp"

#include <boost/json.hpp>

namespace lyceum::storage::json_text {
namespace {

namespace json = boost::json;

json::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}
json::string text(std::string_view t) {
  return json::string(view(t));
}
std::string text(const json::value& v) {
  return std::string(v.as_string());
}

template <class T, class Each>
std::string list(const std::vector<T>& items, Each each) {
  json::array all;
  all.reserve(items.size());
  for (const T& item : items)
    all.emplace_back(each(item));
  return json::serialize(all);
}

template <class T, class Each>
std::vector<T> list(std::string_view stored, Each each) {
  std::vector<T> out;
  const json::value all = json::parse(view(stored));
  for (const json::value& item : all.as_array())
    out.push_back(each(item.as_array()));
  return out;
}

std::string_view name_of(import_item::kind what) {
  switch (what) {
  case import_item::kind::added:
    return "added";
  case import_item::kind::changed:
    return "changed";
  case import_item::kind::removed:
    return "removed";
  }
  return "";
}

} // namespace

std::string of_pairs(const pairs& items) {
  return list(items, [](const auto& p) { return json::array{text(p.first), text(p.second)}; });
}
pairs to_pairs(std::string_view stored) {
  return list<std::pair<std::string, std::string>>(
      stored, [](const json::array& a) { return std::pair(text(a.at(0)), text(a.at(1))); });
}

std::string of_media(const std::vector<media_link>& items) {
  return list(items, [](const media_link& m) { return json::array{text(m.name), text(m.url), m.width, m.height}; });
}
std::vector<media_link> to_media(std::string_view stored) {
  return list<media_link>(stored, [](const json::array& a) {
    media_link file{text(a.at(0)), text(a.at(1))};
    if (a.size() > 3) { // rows of older versions have no sizes
      file.width = static_cast<int>(a.at(2).as_int64());
      file.height = static_cast<int>(a.at(3).as_int64());
    }
    return file;
  });
}

std::string of_headings(const std::vector<heading>& items) {
  return list(items, [](const heading& h) { return json::array{h.level, text(h.id), text(h.title)}; });
}
std::vector<heading> to_headings(std::string_view stored) {
  return list<heading>(stored, [](const json::array& a) {
    return heading{static_cast<int>(a.at(0).as_int64()), text(a.at(1)), text(a.at(2))};
  });
}

std::string of_blocks(const std::vector<code_block>& items) {
  return list(items, [](const code_block& b) { return json::array{text(b.hash), text(b.language), text(b.code)}; });
}
std::vector<code_block> to_blocks(std::string_view stored) {
  return list<code_block>(stored, [](const json::array& a) {
    return code_block{text(a.at(0)), text(a.at(1)), text(a.at(2))};
  });
}

std::string of_navigation(const std::vector<nav_entry>& items) {
  return list(items, [](const nav_entry& n) { return json::array{text(n.title), text(n.url)}; });
}
std::vector<nav_entry> to_navigation(std::string_view stored) {
  return list<nav_entry>(stored, [](const json::array& a) { return nav_entry{text(a.at(0)), text(a.at(1))}; });
}

std::string of_faults(const std::vector<fault>& items) {
  if (items.empty())
    return {};
  return list(items, [](const fault& f) {
    return json::array{text(f.file), f.line, f.how == fault::severity::error, text(f.message)};
  });
}
std::vector<fault> to_faults(std::string_view stored) {
  if (stored.empty())
    return {};
  return list<fault>(stored, [](const json::array& a) {
    return fault{text(a.at(0)), static_cast<int>(a.at(1).as_int64()),
                 a.at(2).as_bool() ? fault::severity::error : fault::severity::warning, text(a.at(3))};
  });
}

std::string of_report(const import_report& r) {
  json::object out{{"added", r.added},
                   {"changed", r.changed},
                   {"removed", r.removed},
                   {"unchanged", r.unchanged},
                   {"errors", r.errors()},
                   {"warnings", r.warnings()},
                   {"dry_run", r.dry_run},
                   {"content_seq", r.content_seq},
                   {"took_ms", static_cast<double>(r.took.count()) / 1000.0}};
  json::array items;
  for (const auto& i : r.items)
    items.emplace_back(json::object{{"what", view(name_of(i.what))}, {"name", view(i.name)}, {"file", view(i.file)}});
  json::array faults;
  for (const auto& f : r.faults)
    faults.emplace_back(json::object{{"file", view(f.file)},
                                     {"line", f.line},
                                     {"severity", f.how == fault::severity::error ? "error" : "warning"},
                                     {"message", view(f.message)}});
  json::array tags;
  for (const auto& t : r.tags)
    tags.emplace_back(text(t));
  out["items"] = std::move(items);
  out["faults"] = std::move(faults);
  out["tags"] = std::move(tags);
  return json::serialize(out);
}

} // namespace lyceum::storage::json_text
