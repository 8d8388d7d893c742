// SPDX-License-Identifier: Apache-2.0
// What an author's folder becomes, page by page, on the real program.
#include "tests/site/server.hpp"

#include <gtest/gtest.h>

namespace lyceum::testing {
namespace {

struct pages : ::testing::Test {
  scratch place;
  fs::path school = place / "school";
  std::optional<server> site;

  void SetUp() override {
    write_file(school / "site.toml", "title = \"School\"\nlanguage = \"en\"\n");
    write_file(school / "courses" / "a" / "course.md", "---\ntitle: Course A\n---\nIntroduction.\n");
    write_file(school / "courses" / "a" / "01-one.md", "---\ntitle: One\n---\nfirst words\n");
  }
  void serve(std::vector<std::string> arguments = {}) {
    site.emplace(server::options{.content = school, .arguments = std::move(arguments)});
    ASSERT_TRUE(site->ready()) << site->log();
    ASSERT_TRUE(shows("/courses/a/one", "first words")) << site->log();
  }
  std::string body(const std::string& path) { return site->get(path).body; }
  bool shows(const std::string& path, const std::string& text) {
    return eventually([&] { return body(path).find(text) != std::string::npos; });
  }
};

TEST_F(pages, a_members_page_of_pages_ends_at_more_for_others) {
  write_file(school / "pages" / "secret.md",
             "---\ntitle: Secret\naccess: members\n---\nopen words\n\n<!-- more -->\n\nlocked words\n");
  serve();
  ASSERT_TRUE(shows("/secret", "open words"));
  EXPECT_EQ(body("/secret").find("locked words"), std::string::npos);
  EXPECT_NE(body("/secret").find("The rest is for members"), std::string::npos);
}

TEST_F(pages, an_introduction_and_its_pictures_are_open_up_to_more) {
  const std::string picture =
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>)";
  write_file(school / "courses" / "b" / "open.svg", picture);
  write_file(school / "courses" / "b" / "shut.svg", picture + "<!-- shut -->");
  write_file(school / "courses" / "b" / "course.md",
             "---\ntitle: Course B\naccess: members\n---\nopen words ![a](open.svg)\n\n<!-- more -->\n\n"
             "locked words ![b](shut.svg)\n");
  serve();
  ASSERT_TRUE(shows("/courses/b", "open words"));
  const auto html = body("/courses/b");
  EXPECT_EQ(html.find("locked words"), std::string::npos);
  EXPECT_EQ(html.find("shut.svg"), std::string::npos);
  const auto from = html.find("/media/");
  ASSERT_NE(from, std::string::npos);
  EXPECT_EQ(site->get(html.substr(from, html.find('"', from) - from)).status, 200);
}

TEST_F(pages, a_page_whose_name_reads_as_a_language_is_served_where_the_school_does_not_speak_it) {
  for (const char* slug : {"faq", "new", "our-team", "us-and-them", "FAQs", "New-Site"})
    write_file(school / "pages" / (std::string(slug) + ".md"),
               "---\ntitle: Page " + std::string(slug) + "\n---\nwords of " + slug + "\n");
  write_file(school / "courses" / "a" / "01-one.fr.md", "---\ntitle: Un\n---\npremiers mots\n");
  write_file(school / "pages" / "faq.fr.md", "---\ntitle: Questions\n---\nmots de faq\n");
  serve();
  for (const char* slug : {"faq", "new", "our-team", "us-and-them", "FAQs", "New-Site"})
    EXPECT_TRUE(shows("/" + std::string(slug), std::string("words of ") + slug)) << slug;
  EXPECT_TRUE(shows("/fr/faq", "mots de faq"));
  EXPECT_EQ(site->get("/fr").status, 200);
  EXPECT_EQ(site->get("/FR").field("Location"), "/fr");
  EXPECT_EQ(site->get("/de").status, 404);
  EXPECT_EQ(site->get("/xyz").status, 404);
  EXPECT_NE(body("/xyz").find("<html lang=\"en\""), std::string::npos) << "no language of this school";
  EXPECT_EQ(site->get("/faq/courses").status, 404);
}

TEST_F(pages, addresses_are_whole_where_nobody_states_a_base_url) {
  write_file(school / "articles" / "2024-01-02-hello.md", "---\ntitle: Hello\n---\nHello, reader.\n");
  serve();
  const auto base = "http://127.0.0.1:" + std::to_string(site->port()); // port 0, as bound
  EXPECT_TRUE(shows("/feed.xml", "<link>" + base + "/articles/hello</link>"));
  EXPECT_NE(body("/sitemap.xml").find("<loc>" + base + "/courses/a</loc>"), std::string::npos);
  EXPECT_NE(body("/robots.txt").find("Sitemap: " + base + "/sitemap.xml"), std::string::npos);
  EXPECT_NE(body("/").find("<link rel=\"canonical\" href=\"" + base + "/\">"), std::string::npos);
  EXPECT_NE(body("/").find("<meta property=\"og:url\" content=\"" + base + "/\">"), std::string::npos);
  EXPECT_EQ(site->get("/metrics").status, 200) << "unset is loopback: what is for this machine alone stays";
}

TEST_F(pages, the_sitemap_begins_with_the_lists_in_every_language) {
  write_file(school / "courses" / "a" / "01-one.fr.md", "---\ntitle: Un\n---\npremiers mots\n");
  serve({"--base-url", "https://school.example"});
  ASSERT_TRUE(shows("/sitemap.xml", "/fr/courses/a/one"));
  const auto xml = body("/sitemap.xml");
  for (const char* path : {"/", "/courses", "/articles", "/fr", "/fr/courses", "/fr/articles"})
    EXPECT_NE(xml.find("<loc>https://school.example" + std::string(path) + "</loc><xhtml:link"), std::string::npos)
        << path;
}

TEST_F(pages, readers_find_an_atom_feed_in_every_language) {
  write_file(school / "articles" / "2024-01-02-hello.md", "---\ntitle: Hello\n---\nHello, reader.\n");
  write_file(school / "articles" / "2024-01-02-hello.fr.md", "---\ntitle: Bonjour\n---\nBonjour.\n");
  serve({"--base-url", "https://school.example"});
  EXPECT_TRUE(shows("/atom.xml", "<title>Hello</title>"));
  EXPECT_EQ(site->get("/atom.xml").field("Content-Type"), "application/atom+xml; charset=utf-8");
  EXPECT_TRUE(shows("/fr/atom.xml", "<title>Bonjour</title>"));
  EXPECT_TRUE(shows("/fr/feed.xml", "href=\"https://school.example/fr/feed.xml\""));
}

TEST_F(pages, security_txt_is_there_where_a_contact_is_set) {
  serve();
  EXPECT_EQ(site->get("/.well-known/security.txt").status, 404);
  site.reset();
  write_file(place / "lyceum.toml", "security_contact = \"mailto:security@school.example\"\n");
  serve({"--config", (place / "lyceum.toml").string()});
  const auto answer = site->get("/.well-known/security.txt");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.body.find("Contact: mailto:security@school.example\nExpires: "), 0u) << answer.body;
}

TEST_F(pages, a_stated_base_url_is_the_one_in_use) {
  serve({"--base-url", "https://school.example/"});
  EXPECT_TRUE(shows("/sitemap.xml", "<loc>https://school.example/courses/a</loc>"));
}

} // namespace
} // namespace lyceum::testing
