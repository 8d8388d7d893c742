// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <rapidcheck.h>
#include <set>

namespace lyceum::http {
namespace {

using kind = router::found::kind;

route row(std::string method, std::string pattern, bool translated = true) {
  route out;
  out.method = std::move(method);
  out.pattern = std::move(pattern);
  out.run = [](const request&, storage::db*) { return response{}; };
  out.translated = translated;
  return out;
}

bool is_language(std::string_view tag) {
  return tag == "fr" || tag == "zh-hans";
}

router site() {
  return router({row("GET", "/"), row("GET", "/courses"), row("GET", "/courses/:course"),
                 row("GET", "/courses/:course/:lesson"), row("POST", "/courses/:course/enrolment", false),
                 row("GET", "/livez", false), row("GET", "/media/:id/*name", false), row("GET", "/:slug"),
                 row("GET", "/courses/new", false)},
                is_language);
}

std::string pattern_of(const router::found& found) {
  return found.row != nullptr ? found.row->pattern : "none";
}

TEST(router_test, literal_parts_win_over_names) {
  const auto routes = site();
  EXPECT_EQ(pattern_of(routes.find("GET", "/courses/new")), "/courses/new");
  EXPECT_EQ(pattern_of(routes.find("GET", "/courses/basics")), "/courses/:course");
  EXPECT_EQ(pattern_of(routes.find("GET", "/about")), "/:slug");
  EXPECT_EQ(pattern_of(routes.find("GET", "/")), "/");
}

TEST(router_test, names_carry_what_stands_there) {
  const auto routes = site();
  const auto found = routes.find("GET", "/courses/café/part one");
  ASSERT_EQ(found.what, kind::route);
  const decltype(found.params) expected = {{"course", "café"}, {"lesson", "part one"}};
  EXPECT_EQ(found.params, expected);
  EXPECT_EQ(routes.find("GET", "/media/7/a/b.mp4").params.at(1).second, "a/b.mp4");
  EXPECT_EQ(routes.find("GET", "/media/7").what, kind::nothing) << "a rest is one part or more";
}

TEST(router_test, a_language_is_taken_off_where_the_row_allows_it) {
  const auto routes = site();
  const auto found = routes.find("GET", "/fr/courses");
  EXPECT_EQ(pattern_of(found), "/courses");
  EXPECT_EQ(found.language, "fr");
  EXPECT_EQ(pattern_of(routes.find("GET", "/fr")), "/");
  EXPECT_EQ(routes.find("GET", "/fr/livez").what, kind::route) << "a page named livez, in French";
  EXPECT_EQ(pattern_of(routes.find("GET", "/fr/livez")), "/:slug");
  EXPECT_EQ(routes.find("POST", "/fr/courses/x/enrolment").what, kind::method);
  EXPECT_EQ(routes.find("GET", "/de/courses").what, kind::nothing);
}

TEST(router_test, capitals_in_a_language_and_a_trailing_slash_move) {
  const auto routes = site();
  EXPECT_EQ(routes.find("GET", "/courses/").location, "/courses");
  EXPECT_EQ(routes.find("GET", "/zh-Hans/courses").location, "/zh-hans/courses");
  EXPECT_EQ(routes.find("GET", "/FR/").location, "/FR");
  EXPECT_EQ(pattern_of(routes.find("GET", "/FR")), "/") << "its handler moves it, or finds a page called FR";
  EXPECT_EQ(routes.find("GET", "/FR").language, "fr");
  EXPECT_EQ(routes.find("GET", "/courses/é/").location, "/courses/%C3%A9");
  EXPECT_EQ(routes.find("GET", "/").what, kind::route);
  EXPECT_EQ(routes.find("GET", "/no/such/thing/here/").what, kind::nothing)
      << "nothing moves to a page that is not there";
}

TEST(router_test, another_method_is_told_which_are_allowed) {
  const auto routes = site();
  const auto found = routes.find("POST", "/courses");
  EXPECT_EQ(found.what, kind::method);
  EXPECT_EQ(found.allow, "GET, HEAD, OPTIONS");
  EXPECT_EQ(routes.find("OPTIONS", "/courses").what, kind::options);
  EXPECT_EQ(routes.find("OPTIONS", "/a/b/c/d").what, kind::nothing);
  EXPECT_EQ(pattern_of(routes.find("HEAD", "/courses")), "/courses");
  EXPECT_EQ(routes.find("DELETE", "/courses/x/enrolment").allow, "GET, HEAD, OPTIONS, POST");
}

TEST(router_test, a_wrong_table_is_refused_with_its_row) {
  const auto refused = [](route_list rows) -> std::string {
    try {
      router(std::move(rows), is_language);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "taken";
  };
  EXPECT_EQ(refused({row("GET", "courses")}),
            "route GET courses: a pattern starts with a slash and does not end with one");
  EXPECT_NE(refused({row("GET", "/a/")}), "taken");
  EXPECT_NE(refused({row("GET", "/a//b")}), "taken");
  EXPECT_NE(refused({row("GET", "/*a/b")}), "taken");
  EXPECT_NE(refused({row("BREW", "/a")}), "taken");
  EXPECT_NE(refused({row("GET", "/:a"), row("GET", "/:b")}), "taken");
  auto kept = row("POST", "/a");
  kept.kept = true;
  EXPECT_NE(refused({kept}), "taken");
  EXPECT_EQ(refused({row("GET", "/:a"), row("POST", "/:b")}), "taken") << "one pattern, two methods";
}

// The plain router: every row is tried, the most specific match wins.

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : path.substr(1) + "/") {
    if (c != '/')
      part += c;
    else if (!part.empty() || path != "/")
      parts.push_back(std::exchange(part, {}));
  }
  return parts;
}

std::optional<std::string> rank(const std::string& pattern, const std::string& path) {
  const auto want = parts_of(pattern), have = parts_of(path);
  std::string order;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (i >= have.size())
      return std::nullopt;
    if (want[i][0] == '*')
      return order + 'c';
    if (want[i][0] != ':' && want[i] != have[i])
      return std::nullopt;
    order += want[i][0] == ':' ? 'b' : 'a';
  }
  return want.size() == have.size() ? std::optional(order) : std::nullopt;
}

TEST(router_test, it_finds_what_a_linear_scan_finds) {
  EXPECT_TRUE(rc::check("trie and scan agree", [] {
    const auto part = rc::gen::element<std::string>("a", "b", "c", ":x", ":y");
    const auto patterns = *rc::gen::container<std::vector<std::vector<std::string>>>(
        rc::gen::resize(4, rc::gen::container<std::vector<std::string>>(part)));
    const auto rests = *rc::gen::container<std::vector<bool>>(patterns.size(), rc::gen::arbitrary<bool>());
    route_list rows;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      std::string text, shape;
      for (const auto& one : patterns[i]) {
        text += "/" + one;
        shape += "/" + (one[0] == ':' ? std::string(":") : one);
      }
      if (rests[i])
        text += "/*rest", shape += "/*";
      if (text.empty())
        text = shape = "/";
      if (seen.insert(shape).second)
        rows.push_back(row("GET", text));
    }
    const auto wanted = *rc::gen::resize(
        5, rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>("a", "b", "c", "d")));
    std::string path;
    for (const auto& one : wanted)
      path += "/" + one;
    if (path.empty())
      path = "/";

    std::string best = "none", best_rank = "z";
    for (const auto& one : rows)
      if (const auto r = rank(one.pattern, path); r && *r < best_rank) {
        best = one.pattern;
        best_rank = *r;
      }
    const router routes(rows, nullptr);
    RC_ASSERT(pattern_of(routes.find("GET", path)) == best);
    RC_ASSERT((routes.find("PUT", path).what == kind::method) == (best != "none"));
  }));
}

} // namespace
} // namespace lyceum::http
