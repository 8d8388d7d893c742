// SPDX-License-Identifier: Apache-2.0
#include "views/theme.hpp"

#include "tests/views/pages/samples.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lyceum::views {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class theme_test : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lyceum-theme-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { fs::remove_all(folder); }

  void write(const fs::path& name, const std::string& text) const {
    fs::create_directories((folder / name).parent_path());
    std::ofstream{folder / name, std::ios::binary} << text;
  }
  problem fault() const {
    const auto loaded = load_theme(folder);
    return loaded ? problem{problem::kind::internal, "loaded"} : loaded.error();
  }

  fs::path folder;
};

TEST_F(theme_test, a_file_of_the_folder_takes_the_place_of_ours_and_the_rest_stays) {
  write("pages/courses.mustache", "<h1>{{t.courses}}, our way</h1>\n{{> colophon}}\n");
  write("partials/colophon.mustache", "<p>Set by hand.</p>\n");
  write("assets/site.css", "body{color:black}");
  const auto look = load_theme(folder);
  ASSERT_TRUE(look) << look.error().detail;
  auto view = samples::site();
  view.look = *look;
  const std::string html = courses_page(view, {});
  EXPECT_THAT(html, HasSubstr("<h1>Courses, our way</h1>\n<p>Set by hand.</p>\n</main>"));
  EXPECT_THAT(html, HasSubstr((*look)->asset_url("site.css")));
  EXPECT_NE((*look)->asset_url("site.css"), samples::strict_theme()->asset_url("site.css"));
  EXPECT_EQ((*look)->asset_url("site.js"), samples::strict_theme()->asset_url("site.js"));
  EXPECT_THAT(home_page(view, {}, {}), HasSubstr("class=\"headline\""));
}

TEST_F(theme_test, a_template_that_does_not_parse_is_named_with_its_line) {
  write("pages/home.mustache", "<h1>fine</h1>\n<p>\n{{#open}}never closed\n");
  EXPECT_EQ(fault().what, problem::kind::invalid);
  EXPECT_THAT(fault().detail, HasSubstr("pages/home.mustache:3: Unclosed section \"open\""));
}

TEST_F(theme_test, a_partial_that_is_not_there_is_named_with_the_line_that_asks) {
  write("pages/home.mustache", "<h1>fine</h1>\n{{> heroes}}\n");
  EXPECT_THAT(fault().detail, HasSubstr("pages/home.mustache:2: there is no partials/heroes.mustache"));
}

TEST_F(theme_test, partials_that_include_each_other_are_refused) {
  write("partials/header.mustache", "{{> footer}}\n");
  write("partials/footer.mustache", "{{> header}}\n");
  EXPECT_THAT(fault().detail, HasSubstr("include each other"));
}

TEST_F(theme_test, a_page_that_nothing_asks_for_is_a_slip_of_the_pen) {
  write("pages/lessons.mustache", "<h1>x</h1>");
  EXPECT_THAT(fault().detail, HasSubstr("pages/lessons.mustache:1: replaces nothing"));
}

TEST_F(theme_test, a_file_of_a_strange_kind_is_refused) {
  write("assets/setup.exe", "MZ");
  EXPECT_THAT(fault().detail, HasSubstr("not a kind of file"));
}

TEST_F(theme_test, files_have_a_size_limit) {
  write("pages/home.mustache", std::string(theme_template_bytes_max + 1, 'x'));
  EXPECT_EQ(fault().what, problem::kind::too_large);
}

TEST_F(theme_test, a_folder_that_is_not_there_is_not_found) {
  fs::remove_all(folder);
  EXPECT_EQ(fault().what, problem::kind::not_found);
  fs::create_directories(folder);
}

TEST_F(theme_test, an_unknown_name_is_blank_in_a_theme_and_fails_in_a_test) {
  write("pages/courses.mustache", "<h1>{{nobody_knows}}</h1>\n");
  auto view = samples::site();
  view.look = load_theme(folder).value();
  EXPECT_THAT(courses_page(view, {}), HasSubstr("<h1></h1>"));
  view.look = load_theme(folder, unknown_name::fails).value();
  EXPECT_THROW(courses_page(view, {}), std::logic_error);
}

TEST(assets_test, an_asset_is_found_by_its_hash_and_not_without_it) {
  const auto& look = *samples::strict_theme();
  const std::string url = look.asset_url("site.css");
  ASSERT_TRUE(url.starts_with("/assets/site."));
  const asset* css = look.find_asset(url.substr(8));
  ASSERT_NE(css, nullptr);
  EXPECT_EQ(css->content_type, "text/css; charset=utf-8");
  EXPECT_EQ(look.find_asset("site.css"), nullptr);
  EXPECT_EQ(look.find_asset("site.000000000000.css"), nullptr);
  EXPECT_EQ(look.asset_url("missing.css"), "");
}

TEST(assets_test, style_and_script_stay_within_their_weight) {
  for (const auto& one : samples::strict_theme()->assets()) {
    if (one.name == "site.js") {
      EXPECT_LT(one.bytes.size(), 15'000U);
    }
    if (one.name == "site.css") {
      EXPECT_LT(one.bytes.size(), 32'000U);
    }
    if (one.name == "ops.css" || one.name == "ops.js") { // operators alone load these
      EXPECT_LT(one.bytes.size(), 20'000U);
    }
  }
}

TEST(assets_test, the_stylesheet_names_no_side_and_fetches_nothing) {
  for (const auto& one : samples::strict_theme()->assets()) {
    if (one.name != "site.css" && one.name != "ops.css")
      continue;
    for (const char* word :
         {"margin-left", "margin-right", "padding-left", "padding-right", "url(", "@import", "float: left"})
      EXPECT_THAT(one.bytes, Not(HasSubstr(word)));
  }
}

TEST(accent_test, a_colour_goes_to_its_address_and_back) {
  site_info site;
  for (const char* colour : {"#b5472f", "#FA0", "rebeccapurple", "oklch(0.5 0.14 42)", "rgb(10, 20, 30)"}) {
    site.accent = colour;
    const std::string url = accent_url(site);
    ASSERT_TRUE(url.starts_with("/assets/accent.") && url.ends_with(".css")) << colour;
    EXPECT_EQ(accent_css(url.substr(8)), ":root{--school:" + std::string{colour} + "}\n");
  }
}

TEST(accent_test, what_is_no_colour_makes_no_stylesheet) {
  site_info site;
  for (const char* text :
       {"", "red;}*{display:none", "url(//x)", "#12", "#1234567", "var(--x)", "red /**/", "oklch(expression)", "tael",
        "rgb(,,)", "rgb(1 2)", "oklch(0.5, 0.1, 30)", "hsl(10 20 30)", "Red"}) {
    site.accent = text;
    EXPECT_EQ(accent_url(site), "") << text;
  }
}

TEST(accent_test, an_address_that_we_would_not_make_is_refused) {
  EXPECT_FALSE(accent_css("accent.css"));
  EXPECT_FALSE(accent_css("accent..css"));
  EXPECT_FALSE(accent_css("accent.7.css"));
  EXPECT_FALSE(accent_css("accent.zz.css"));
  EXPECT_FALSE(accent_css("accent.7d2a7b.css")); // "}*{"
  EXPECT_FALSE(accent_css("site.726564.css"));
  EXPECT_TRUE(accent_css("accent.726564.css")); // "red"
}

} // namespace
} // namespace lyceum::views
