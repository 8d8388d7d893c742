// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include "http/target.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace lyceum::http {
namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  if (path.starts_with('/'))
    path.remove_prefix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool is_method(std::string_view method) {
  static constexpr std::string_view known[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  return std::ranges::find(known, method) != std::end(known);
}

[[noreturn]] void refuse(const route& row, const char* why) {
  throw std::invalid_argument("route " + row.method + ' ' + row.pattern + ": " + why);
}

} // namespace

/// A part of a pattern. Rows end where their pattern does.
struct router::node {
  std::map<std::string, std::unique_ptr<node>, std::less<>> literal;
  std::unique_ptr<node> any;      ///< ":name"
  std::vector<const route*> rows; ///< one a method
  std::vector<const route*> rest; ///< rows whose pattern goes on with "*name"

  using parts = std::vector<std::string_view>;
  using visit = std::function<bool(const route&)>;

  /// Visits rows from the most specific on, until `seen` returns true.
  bool walk(const parts& path, std::size_t at, const visit& seen) const {
    if (at == path.size())
      return std::ranges::any_of(rows, [&](const route* row) { return seen(*row); });
    if (const auto found = literal.find(path[at]); found != literal.end() && found->second->walk(path, at + 1, seen))
      return true;
    if (any && any->walk(path, at + 1, seen))
      return true;
    return std::ranges::any_of(rest, [&](const route* row) { return seen(*row); });
  }
};

namespace {

void fill_params(const route& row, const std::vector<std::string_view>& path, router::found& out) {
  const auto pattern = parts_of(row.pattern);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].starts_with(':'))
      out.params.emplace_back(pattern[i].substr(1), path[i]);
    if (pattern[i].starts_with('*')) {
      std::string all(path[i]);
      for (std::size_t k = i + 1; k < path.size(); ++k)
        all.append("/").append(path[k]);
      out.params.emplace_back(pattern[i].substr(1), std::move(all));
    }
  }
}

std::string allow_of(std::vector<std::string> methods) {
  methods.emplace_back("OPTIONS");
  if (std::ranges::find(methods, "GET") != methods.end())
    methods.emplace_back("HEAD");
  std::ranges::sort(methods);
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  std::string text;
  for (const auto& method : methods)
    text.append(text.empty() ? "" : ", ").append(method);
  return text;
}

} // namespace

router::router(route_list rows, language_test is_language)
    : rows_(std::move(rows)), is_language_(std::move(is_language)), root_(std::make_unique<node>()) {
  for (const route& row : rows_) {
    if (!is_method(row.method))
      refuse(row, "the method is none of GET, POST, PUT, PATCH, DELETE");
    if (!row.pattern.starts_with('/') || (row.pattern.size() > 1 && row.pattern.ends_with('/')))
      refuse(row, "a pattern starts with a slash and does not end with one");
    if (!row.run)
      refuse(row, "it has no handler");
    if (row.kept && row.method != "GET")
      refuse(row, "only the answers to GET are kept");
    node* at = root_.get();
    const auto parts = parts_of(row.pattern);
    bool rest = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto part = parts[i];
      if (part.empty() || part == ":" || part == "*")
        refuse(row, "a part of the pattern is empty");
      if (part.starts_with('*')) {
        if (i + 1 != parts.size())
          refuse(row, "nothing may follow *rest");
        rest = true;
      } else if (part.starts_with(':')) {
        if (!at->any)
          at->any = std::make_unique<node>();
        at = at->any.get();
      } else {
        auto& next = at->literal[std::string(part)];
        if (!next)
          next = std::make_unique<node>();
        at = next.get();
      }
    }
    auto& ends = rest ? at->rest : at->rows;
    if (std::ranges::any_of(ends, [&](const route* other) { return other->method == row.method; }))
      refuse(row, "it stands twice");
    ends.push_back(&row);
  }
}

router::~router() = default;
router::router(router&&) noexcept = default;
router& router::operator=(router&&) noexcept = default;

const route_list& router::rows() const noexcept {
  return rows_;
}

router::found router::find(std::string_view method, std::string_view path) const {
  found out;
  const bool slash = path.size() > 1 && path.ends_with('/');
  auto parts = parts_of(slash ? path.substr(0, path.size() - 1) : path);
  bool capitals = false;
  if (!parts.empty() && parts[0].size() <= 35 && is_language_) { // RFC 5646 4.4.1: no tag needs more
    auto tag = lower_case(parts[0]);
    if (is_language_(tag)) {
      capitals = tag != parts[0];
      out.language = std::move(tag);
      parts.erase(parts.begin());
    }
  }
  const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
  std::vector<std::string> methods;
  root_->walk(parts, 0, [&](const route& row) {
    if (!out.language.empty() && !row.translated)
      return false;
    if (row.method == wanted)
      out.row = &row;
    else
      methods.push_back(row.method);
    return out.row != nullptr;
  });

  if (out.row == nullptr && methods.empty())
    return out; // nothing
  // "/FAQ" alone may be a page's slug as well as a language: the handler knows which languages the school speaks.
  const bool alone = parts.empty() && capitals;
  if (slash || (capitals && !alone)) {
    std::string to = out.language.empty() ? std::string() : '/' + out.language;
    if (alone)
      to = path.substr(0, path.size() - 1);
    for (const auto part : parts)
      to.append("/").append(part);
    out.what = found::kind::moved;
    out.location = encoded_path(to.empty() ? "/" : to);
    out.row = nullptr;
  } else if (out.row != nullptr) {
    out.what = found::kind::route;
    fill_params(*out.row, parts, out);
  } else {
    out.what = method == "OPTIONS" ? found::kind::options : found::kind::method;
    out.allow = allow_of(std::move(methods));
  }
  return out;
}

} // namespace lyceum::http
