// SPDX-License-Identifier: Apache-2.0
// What strangers send to the real program. tests/http has the rules one by one; here they meet real pages, files and a database.
#include "tests/site/server.hpp"

#include <gtest/gtest.h>

#include <random>
#include <regex>

namespace lyceum::testing {
namespace {

struct strangers : ::testing::Test {
  static inline std::unique_ptr<server> school;
  static inline std::string film; ///< path of a video
  static void SetUpTestSuite() {
    school = std::make_unique<server>(server::options{.content = sample_school()});
    ASSERT_TRUE(school->ready()) << school->log();
    std::smatch found;
    ASSERT_TRUE(eventually(
        [&] {
          const auto page = school->get("/courses/let-it-crash/break-a-part").body;
          static const std::regex link(R"re(src="(/media/[^"]+\.mp4))re");
          if (std::smatch at; std::regex_search(page, at, link))
            film = at[1];
          return !film.empty();
        },
        10s))
        << school->log();
  }
  static void TearDownTestSuite() {
    EXPECT_TRUE(school->running()) << "the heart is gone";
    EXPECT_EQ(school->log().find("started again"), std::string::npos) << school->log();
    EXPECT_EQ(school->stop(), 0);
    school.reset();
  }
  client visitor{school->port()};

  answer ask(const std::string& line, const std::string& more = "") {
    return visitor.ask(line + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n", line.starts_with("HEAD"));
  }
};

TEST_F(strangers, no_path_leads_out_of_the_site) {
  for (const auto* path : {"/../../etc/passwd",
                           "/%2e%2e/%2e%2e/etc/passwd",
                           "/media/../../../etc/passwd",
                           "/media/x/..%2f..%2f..%2fetc%2fpasswd",
                           "/assets/..%2f..%2fetc%2fpasswd",
                           "/assets/%2e%2e/site.toml",
                           "/media/%2e%2e/%2e%2e",
                           "/courses/../../etc/passwd",
                           "/..;/etc/passwd",
                           "/courses/%252e%252e%252fetc%252fpasswd",
                           "//etc/passwd",
                           "/\\..\\..\\etc\\passwd",
                           "/assets/%00",
                           "/media/%c0%ae%c0%ae/%c0%ae",
                           "/lyceum.db",
                           "/site.toml",
                           "/.env",
                           "/.git/config",
                           "/CON",
                           "/nul",
                           "/aux.md",
                           "/courses/CON/prn"}) {
    const auto got = client(school->port()).get(path);
    EXPECT_TRUE(got.status == 404 || got.status == 400 || got.status == 308 || got.status == 301 || got.status == 302)
        << path << ": " << got.status;
    EXPECT_EQ(got.body.find("root:"), std::string::npos) << path;
    if (const auto to = got.field("Location"); !to.empty()) {
      EXPECT_TRUE(to.starts_with("/") && !to.starts_with("//")) << path << " → " << to;
    }
  }
}

TEST_F(strangers, very_long_addresses_are_refused_and_others_go_on) {
  for (const std::size_t size : {1'000u, 7'000u, 100'000u, 2'000'000u}) {
    const auto got = client(school->port()).get("/" + std::string(size, 'a'));
    EXPECT_TRUE(got.status == 404 || got.status == 414 || got.status == 431) << size << ": " << got.status << got.body;
  }
  const auto deep = client(school->port()).get([] {
    std::string path;
    for (int i = 0; i < 3'000; ++i)
      path += "/a";
    return path;
  }());
  EXPECT_TRUE(deep.status == 404 || deep.status == 414) << deep.status;
  EXPECT_EQ(visitor.get("/").status, 200);
}

TEST_F(strangers, unknown_queries_and_odd_spellings_make_no_pages_of_their_own) {
  ASSERT_EQ(visitor.get("/courses").status, 200);
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(visitor.get("/courses?utm=" + std::to_string(i)).status, 200);
  for (const auto* path :
       {"/%63ourses", "/courses?", "/courses?&&", "/courses?a=b=c", "/courses#x", "/./courses", "/x/../courses"}) {
    const auto got = visitor.get(path);
    EXPECT_TRUE(got.status == 200 || got.status == 308 || got.status == 400 || got.status == 404) << path << got.status;
  }
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(visitor.get("/courses/none-" + std::to_string(i)).status, 404);
  const auto kept = school->ctl({"--json", "cache", "list", "10000"}).out;
  EXPECT_NE(kept.find("\"/courses\""), std::string::npos) << kept;
  for (const auto* odd : {"utm", "none-", "?", "%63", "a=b"}) {
    EXPECT_EQ(kept.find(odd), std::string::npos) << odd << " in " << kept;
  }
}

TEST_F(strangers, languages_in_addresses_are_those_of_the_school) {
  EXPECT_EQ(visitor.get("/de/courses").status, 200);
  EXPECT_EQ(visitor.get("/xx/courses").status, 404);
  EXPECT_EQ(visitor.get("/zz-hans/courses/let-it-crash").status, 404);
  const auto own = visitor.get("/en/courses");
  EXPECT_EQ(own.status, 302); // one address a page; for now, since a school may change its language
  EXPECT_EQ(own.field("Location"), "/courses");
  EXPECT_EQ(visitor.get("/en").field("Location"), "/");
  EXPECT_EQ(visitor.get("/en/courses/let-it-crash/break-a-part?x=1").field("Location"),
            "/courses/let-it-crash/break-a-part");
  EXPECT_EQ(visitor.get("/DE/courses").status, 308);
  EXPECT_EQ(visitor.get("/courses/let-it-crash/").status, 308);
  EXPECT_EQ(visitor.get("/courses/let-it-crash/").field("Location"), "/courses/let-it-crash");
}

TEST_F(strangers, every_page_answers_head_and_conditions_and_other_methods_alike) {
  for (const std::string path :
       {"/", "/courses", "/articles", "/courses/let-it-crash", "/courses/let-it-crash/break-a-part",
        "/articles/errors-are-pages-too", "/about", "/sitemap.xml", "/feed.xml", "/robots.txt", "/de"}) {
    SCOPED_TRACE(path);
    const auto got = ask("GET " + path);
    ASSERT_EQ(got.status, 200);
    const auto head = ask("HEAD " + path);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("Content-Length"), got.field("Content-Length"));
    EXPECT_EQ(head.field("ETag"), got.field("ETag"));
    if (const auto tag = got.field("ETag"); !tag.empty()) {
      EXPECT_EQ(ask("GET " + path, "If-None-Match: " + tag + "\r\n").status, 304);
      EXPECT_EQ(ask("GET " + path, "If-None-Match: \"other\", W/" + tag + "\r\n").status, 304);
      EXPECT_EQ(ask("GET " + path, "If-None-Match: *\r\n").status, 304);
      EXPECT_EQ(ask("GET " + path, "If-None-Match: \"x\r\n").status, 200);
    }
    for (const auto* coding :
         {"gzip", "br", "br;q=0, gzip;q=0.5", "*", "identity;q=0", "gzip;q=nonsense", ", ,", "GZIP"})
      EXPECT_EQ(ask("GET " + path, std::string("Accept-Encoding: ") + coding + "\r\n").status, 200) << coding;
    const auto wrong = ask("DELETE " + path);
    EXPECT_EQ(wrong.status, 405);
    EXPECT_NE(wrong.field("Allow").find("GET"), std::string::npos);
    const auto options = ask("OPTIONS " + path);
    EXPECT_EQ(options.status, 204);
    EXPECT_NE(options.field("Allow").find("GET"), std::string::npos);
  }
  EXPECT_EQ(ask("HEAD /courses/none").status, 404);
  EXPECT_EQ(visitor.get("/", {"Range: bytes=0-10"}).status, 200); // pages have no ranges
}

TEST_F(strangers, parts_of_a_film_are_what_was_asked_for_or_refused) {
  const auto whole = visitor.get(film);
  ASSERT_EQ(whole.status, 200);
  const auto size = whole.body.size();
  ASSERT_GT(size, 1000u);
  EXPECT_EQ(whole.field("Accept-Ranges"), "bytes");
  const auto part = [&](const std::string& range, const std::string& more = "") {
    return ask("GET " + film, "Range: " + range + "\r\n" + more);
  };
  const auto last = std::to_string(size - 1);
  EXPECT_EQ(part("bytes=0-99").body, whole.body.substr(0, 100));
  EXPECT_EQ(part("bytes=-100").body, whole.body.substr(size - 100));
  EXPECT_EQ(part("bytes=100-").body, whole.body.substr(100));
  EXPECT_EQ(part("bytes=0-99999999999").body, whole.body);
  EXPECT_EQ(part("bytes=5-5").field("Content-Range"), "bytes 5-5/" + std::to_string(size));
  EXPECT_EQ(part("bytes=" + last + "-").body.size(), 1u);
  const auto beyond = part("bytes=" + std::to_string(size) + "-");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.field("Content-Range"), "bytes */" + std::to_string(size));
  EXPECT_EQ(part("bytes=-0").status, 416);
  for (const auto* odd : {"bytes=0-1,5-6", "bytes=abc", "bytes=5-1", "octets=0-1", "bytes=--1", "bytes=", "bytes=0-1,",
                          "bytes=18446744073709551616-", "bytes=0-18446744073709551616", "bytes 0-1", "bytes=1-2-3"}) {
    const auto got = part(odd);
    EXPECT_TRUE(got.status == 200 || got.status == 206 || got.status == 416) << odd << ": " << got.status;
    if (got.status == 200) {
      EXPECT_EQ(got.body.size(), size) << odd;
    }
  }
  std::string many = "bytes=0-1";
  for (int i = 0; i < 500; ++i)
    many += ",0-";
  const auto bomb = part(many);
  EXPECT_TRUE(bomb.status == 200 || bomb.status == 416) << bomb.status;
  EXPECT_LE(bomb.body.size(), size);
  EXPECT_EQ(part("bytes=0-9", "If-Range: " + whole.field("ETag") + "\r\n").status, 206);
  EXPECT_EQ(part("bytes=0-9", "If-Range: \"another\"\r\n").status, 200);
  EXPECT_EQ(part("bytes=0-9", "If-Range: W/" + whole.field("ETag") + "\r\n").status, 200);
  EXPECT_EQ(ask("HEAD " + film).field("Content-Length"), std::to_string(size));
  EXPECT_EQ(ask("GET " + film, "If-None-Match: " + whole.field("ETag") + "\r\n").status, 304);
}

TEST_F(strangers, pages_and_films_say_since_when_they_are_as_they_are) {
  const std::string epoch = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
  for (const std::string& path : {std::string("/"), std::string("/courses/let-it-crash"), film}) {
    SCOPED_TRACE(path);
    const auto got = ask("GET " + path);
    ASSERT_EQ(got.status, 200);
    const auto date = got.field("Last-Modified");
    EXPECT_TRUE(date.ends_with(" GMT")) << date;
    EXPECT_EQ(date.find(" 1970 "), std::string::npos) << date;
    const auto again = ask("GET " + path, "If-Modified-Since: " + date + "\r\n");
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.field("Last-Modified"), date);
    EXPECT_EQ(ask("GET " + path, epoch).status, 200);
    EXPECT_EQ(ask("GET " + path, "If-Modified-Since: " + date + "\r\nIf-None-Match: \"other\"\r\n").status, 200)
        << "a tag outweighs a date";
  }
}

TEST_F(strangers, figures_are_for_visitors_on_this_machine) {
  EXPECT_EQ(visitor.get("/metrics").status, 200);
  for (const auto* sign :
       {"X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 proxy", "x-forwarded-proto: https"}) {
    EXPECT_EQ(visitor.get("/metrics", {sign}).status, 404) << sign;
    EXPECT_EQ(visitor.get("/readyz", {sign}).body.find("subsystems"), std::string::npos) << sign;
  }
  EXPECT_EQ(visitor.ask("GET /metrics HTTP/1.1\r\nHost: school.example\r\n\r\n").status, 404);
  EXPECT_EQ(visitor.ask("GET http://school.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 404);
  EXPECT_EQ(visitor.ask("GET http://localhost/courses HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
}

TEST_F(strangers, a_server_listens_on_ipv6_where_it_is_told_to) {
  server six({.content = sample_school(), .arguments = {"--listen", "[::1]:0"}});
  if (!six.running())
    GTEST_SKIP() << "no IPv6 here: " << six.log();
  ASSERT_TRUE(six.ready()) << six.log();
  EXPECT_NE(read_file(six.data() / "run" / "listen.json").find("[::1]:"), std::string::npos);
}

TEST_F(strangers, garbage_ends_connections_and_nothing_else) {
  std::mt19937 dice(20240607); // the same garbage each time
  const std::vector<std::string> seeds{
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "POST /courses HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "GET " + film + " HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\nIf-Range: \"x\"\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n0123456789",
      "GET /courses/let-it-crash HTTP/1.0\r\nConnection: keep-alive\r\nAccept-Encoding: "
      "br;q=0.1,gzip\r\nIf-None-Match: \"a\",W/\"b\"\r\n\r\n",
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)};
  const std::string_view odd("\0\r\n\t :/%?#;,=\"\x80\xff\x7f-0aZ*", 25);
  for (int round = 0; round < 3'000; ++round) {
    std::string octets;
    for (auto parts = 1 + dice() % 3; parts > 0; --parts)
      octets += seeds[dice() % seeds.size()];
    for (auto edits = dice() % 8; edits > 0 && !octets.empty(); --edits) {
      const auto at = dice() % octets.size();
      switch (dice() % 4) {
      case 0:
        octets[at] = odd[dice() % odd.size()];
        break;
      case 1:
        octets.insert(at, 1 + dice() % 40, odd[dice() % odd.size()]);
        break;
      case 2:
        octets.erase(at, 1 + dice() % 20);
        break;
      default:
        octets.insert(at, octets.substr(dice() % octets.size(), dice() % 60));
      }
    }
    client one(school->port());
    one.send(octets); // and away, without reading
    if (round % 500 == 0) {
      ASSERT_EQ(visitor.get("/").status, 200) << round;
    }
  }
  EXPECT_EQ(visitor.get("/").status, 200);
  EXPECT_EQ(school->metric("lyceum_http_faults_total"), 0.0);
  EXPECT_TRUE(eventually([&] { return school->metric("lyceum_http_connections").value_or(99) <= 2.0; }, 15s));
}

} // namespace
} // namespace lyceum::testing
