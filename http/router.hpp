// SPDX-License-Identifier: Apache-2.0
// Which handler answers a path. Knows neither CAF nor Beast.
#pragma once

#include "actors/exchange.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::http {

/// Who may use a route. `local`: only visitors on this machine (`request::local`); others are told 404.
enum class who { anyone, local };

/// One row of the site's table of routes.
struct route {
  std::string method;  ///< "GET", "POST", "PUT", "PATCH", "DELETE". HEAD and OPTIONS follow by themselves
  std::string pattern; ///< "/courses/:course/:lesson"; a last part "*rest" takes all that follows (one part or more)
  handler run;
  db_use needs = db_use::reads;
  bool kept = false;              ///< GET only: the answer may be kept in the page table
  bool translated = false;        ///< also answers below "/fr", "/zh-hans": any first part that is a language
  std::vector<std::string> query; ///< names that are part of a kept page's key; others are ignored by it
  bool personal = false; ///< a GET's handler is told who asks (`request::account`, `who`) though nothing of it is kept
  who allowed = who::anyone;
  std::size_t body_max = 1024 * 1024; ///< bytes; more is answered 413
};
using route_list = std::vector<route>;

/// Finds the row for a method and a path: literal parts win over `:names`, these over `*rest`, the leftmost difference
/// decides. Immutable, so that every loop reads it without asking.
class router {
public:
  /// True for what reads as a language tag (lower case). Whether the school speaks it, handlers find out: routers ask nobody.
  using language_test = std::function<bool(std::string_view tag)>;

  struct found {
    enum class kind {
      route,   ///< `row`, `params` and `language` are set
      options, ///< OPTIONS of a path that exists: 204 with `allow`
      method,  ///< 405 with `allow`
      moved, ///< 308 to `location` (a path, encoded): a trailing slash, or capitals in a language tag that more follows
      nothing, ///< 404
    };
    kind what = kind::nothing;
    const route* row = nullptr; ///< lives as long as the router
    std::vector<std::pair<std::string, std::string>> params;
    std::string language;
    std::string allow;
    std::string location;
  };

  /// Throws std::invalid_argument, naming the row, where a pattern is malformed, a row stands twice, or one that is
  /// kept is not a GET.
  router(route_list rows, language_test is_language);
  ~router();
  router(router&&) noexcept;
  router& operator=(router&&) noexcept;

  /// `path` decoded and normalised (target.hpp). HEAD finds the GET row.
  found find(std::string_view method, std::string_view path) const;
  const route_list& rows() const noexcept;

private:
  struct node;
  route_list rows_;
  language_test is_language_;
  std::unique_ptr<node> root_;
};

} // namespace lyceum::http
