// SPDX-License-Identifier: Apache-2.0
#include "school.hpp"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace lyceum::http::testing {
namespace {

class front_pages_test : public school {
protected:
  std::string large() const {
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i)
      text += "line " + std::to_string(i) + "\n";
    return text;
  }
};

TEST_F(front_pages_test, a_hit_never_reaches_the_door) {
  pages.put("/fr/ready", ready_page("bonjour"));
  open();
  const auto got = get("/fr/ready");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "bonjour");
  EXPECT_EQ(got.field("Cache-Control"), "public, no-cache");
  EXPECT_EQ(got.field("X-Request-Id"), "") << "prebuilt bytes have none";
  EXPECT_EQ(got.field("Date").size(), 29u);
  EXPECT_EQ(way_in.entered, 0);
  EXPECT_EQ(site->stats().hits, 1u);
}

TEST_F(front_pages_test, a_hundred_pipelined_hits_come_back_in_order) {
  std::string asked;
  for (int i = 0; i < 100; ++i) {
    pages.put("/p" + std::to_string(i), ready_page("page " + std::to_string(i)));
    asked += "GET /p" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  open();
  client one(address());
  one.say(asked);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(one.hear().body, "page " + std::to_string(i));
}

TEST_F(front_pages_test, an_unchanged_page_is_304) {
  const auto page = ready_page("text");
  pages.put("/ready", page);
  open();
  client one(address());
  one.get("/ready");
  const auto etag = one.hear().field("ETag");
  EXPECT_EQ(etag, page->identity->etag);
  one.get("/ready", "If-None-Match: \"other\", W/" + etag + "\r\n").get("/ready", "If-None-Match: \"other\"\r\n");
  const auto same = one.hear();
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.field("ETag"), etag);
  EXPECT_EQ(same.field("Content-Length"), "");
  EXPECT_EQ(one.hear().status, 200);
  EXPECT_EQ(site->stats().not_modified, 1u);
}

TEST_F(front_pages_test, encodings_are_chosen_from_what_is_accepted) {
  pages.put("/ready", with_encodings(*ready_page(std::string(20'000, 'x')), 5));
  open();
  EXPECT_EQ(get("/ready", "Accept-Encoding: gzip, br\r\n").field("Content-Encoding"), "br");
  EXPECT_EQ(get("/ready", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), "gzip");
  EXPECT_EQ(get("/ready", "Accept-Encoding: gzip;q=0\r\n").field("Content-Encoding"), "");
  EXPECT_EQ(get("/ready").body.size(), 20'000u);
}

TEST_F(front_pages_test, head_and_close_and_http_10_of_a_hit) {
  pages.put("/ready", ready_page("text"));
  open();
  client one(address());
  one.say("HEAD /ready HTTP/1.1\r\nHost: a\r\n\r\n" + client::request("/ready", "Connection: close\r\n") +
          client::request("/ready"));
  const auto head = one.hear(true);
  EXPECT_EQ(head.field("Content-Length"), "4");
  const auto last = one.hear();
  EXPECT_EQ(last.body, "text");
  EXPECT_EQ(last.field("Connection"), "close");
  EXPECT_TRUE(one.is_over());

  client old(address());
  old.say("GET /ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /ready HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.hear().field("Connection"), "keep-alive");
  EXPECT_EQ(old.hear().field("Connection"), "close");
  EXPECT_TRUE(old.is_over());
}

TEST_F(front_pages_test, only_what_a_route_names_of_the_query_is_part_of_the_key) {
  pages.put("/kept/a?page=2", ready_page("second page"));
  pages.put("/kept/a", ready_page("first page"));
  open();
  EXPECT_EQ(get("/kept/a?utm_source=x").body, "first page");
  EXPECT_EQ(get("/kept/a?utm_source=x&page=2").body, "second page");
  EXPECT_EQ(get("/kept/%61").body, "first page");
  EXPECT_EQ(way_in.entered, 0);
  EXPECT_EQ(get("/kept/a?page=3").body, "kept /kept/a 3");
  EXPECT_EQ(way_in.entered, 1);
}

TEST_F(front_pages_test, a_made_page_looks_like_the_kept_one) {
  open();
  const auto made = get("/kept/a");
  EXPECT_EQ(made.body, "kept /kept/a 1");
  EXPECT_EQ(made.field("X-Request-Id").size(), 16u);
  pages.put("/kept/a", ready_page(made.body));
  const auto kept = get("/kept/a");
  EXPECT_EQ(kept.field("ETag"), made.field("ETag"));
  EXPECT_EQ(kept.field("Cache-Control"), made.field("Cache-Control"));
  EXPECT_EQ(get("/kept/b", "If-None-Match: " + get("/kept/b").field("ETag") + "\r\n").status, 304)
      << "also where it is made anew";
}

TEST_F(front_pages_test, many_who_miss_wait_for_one) {
  std::mutex guard;
  job_ptr held;
  way_in.instead = [&](const job_ptr& what) {
    std::lock_guard lock(guard);
    held = what;
  };
  open();
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(std::make_unique<client>(address()));
    all.back()->get("/kept/a");
  }
  ASSERT_TRUE(eventually([&] { return site->stats().requests == 20; }));
  {
    std::lock_guard lock(guard);
    ASSERT_TRUE(held);
    open_door::run(held);
    held.reset();
  }
  for (auto& one : all)
    EXPECT_EQ(one->hear().body, "kept /kept/a 1");
  EXPECT_EQ(way_in.entered, 1);
}

class front_stale_test : public front_pages_test {
protected:
  void open_with_stale() {
    config.limits.stale_after = 2s;
    config.limits.answer = 3s;
    pages.put_stale("/kept/a", ready_page("old"));
    open();
  }
};

TEST_F(front_stale_test, a_stale_page_is_renewed_by_one_visitor) {
  open_with_stale();
  EXPECT_EQ(get("/kept/a").body, "kept /kept/a 1") << "who leads gets the new page";
  EXPECT_EQ(way_in.entered, 1);
}

TEST_F(front_stale_test, when_that_fails_the_stale_page_is_sent) {
  way_in.instead = [](const job_ptr& what) { what->reply->fulfil(answer_for({problem::kind::internal, {}})); };
  open_with_stale();
  const auto before = std::chrono::steady_clock::now();
  const auto got = get("/kept/a");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "old");
  EXPECT_EQ(site->stats().stale, 1u);
  EXPECT_EQ(get("/kept/a").body, "old");
  const int tries = way_in.entered;
  if (std::chrono::steady_clock::now() - before < 900ms) { // a busy machine may have let the second go by
    EXPECT_EQ(tries, 1) << "the next try has to wait";
  }
  EXPECT_TRUE(eventually([&] { return get("/kept/a").body == "old" && way_in.entered >= 2; }))
      << "the lead was never given back";
}

TEST_F(front_stale_test, when_that_takes_long_the_stale_page_is_sent_and_others_do_not_wait) {
  std::mutex guard;
  job_ptr held;
  way_in.instead = [&](const job_ptr& what) {
    std::lock_guard lock(guard);
    held = what;
  };
  open_with_stale();
  client leads(address());
  leads.get("/kept/a");
  ASSERT_TRUE(eventually([&] { return way_in.entered == 1; }));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(get("/kept/a").body, "old");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1500ms);
  EXPECT_EQ(leads.hear().body, "old");
  EXPECT_TRUE(eventually([&] {
    const auto asked = std::chrono::steady_clock::now();
    EXPECT_EQ(get("/kept/a").body, "old");
    return std::chrono::steady_clock::now() - asked > 1500ms; // it waited for a new one, aboard the flight that is held
  })) << "after the deadline another visitor leads";
  // The deadline, a pause of 1 s, and 2 s until it gets the stale page: 8 s; where the table takes the lead back it is 12 s.
  EXPECT_LT(std::chrono::steady_clock::now() - before, page_table::lead_max) << "the table had to take the lead back";
  std::lock_guard lock(guard);
  held.reset();
}

TEST_F(front_pages_test, a_reader_that_stops_gets_every_octet_later) {
  const auto text = large();
  const auto page = ready_page(text);
  pages.put("/large", page);
  pages.put("/small", ready_page("small"));
  open();
  client slow(address(), 4096);
  slow.get("/large").get("/small");
  ASSERT_TRUE(eventually([&] { return site->stats().hits >= 1; }));
  pages.erase("/large"); // what is on its way must survive its page
  pages.reclaim();
  EXPECT_EQ(get("/small").body, "small") << "others are not held up";
  EXPECT_EQ(slow.hear().body, text);
  EXPECT_EQ(slow.hear().body, "small");
}

struct front_files_test : front_pages_test {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("lyceum-file-" + std::to_string(getpid()));
  const std::string text = "a film of few words";

  front_files_test() {
    std::ofstream(path, std::ios::binary) << text;
    rows.push_back(make_route("GET", "/media", [this](const request&, storage::db*) {
      response out;
      out.content_type = "video/mp4";
      out.file = file_body{path, static_cast<std::int64_t>(text.size()), "\"tag\"", {}};
      return out;
    }));
  }
  ~front_files_test() override { std::filesystem::remove(path); }
  void changed_at(std::int64_t seconds) const {
    const timespec times[2]{{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
};

TEST_F(front_files_test, a_file_says_when_it_was_changed_itself) {
  changed_at(784111777);
  open();
  EXPECT_EQ(get("/media").field("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(get("/media", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 304);
  EXPECT_EQ(get("/media", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n").status, 200);
  EXPECT_EQ(get("/media", "Range: bytes=0-0\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 206);
  EXPECT_EQ(get("/media", "Range: bytes=0-0\r\nIf-Range: Thu, 01 Jan 1970 00:00:00 GMT\r\n").status, 200);
}

TEST_F(front_files_test, a_file_from_the_future_was_changed_no_later_than_now) {
  changed_at(4102444800); // 2100
  open();
  const auto got = get("/media");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.field("Last-Modified").find("2100"), std::string::npos) << got.head;
}

TEST_F(front_files_test, what_must_hold_is_looked_at_before_anything_is_sent) {
  changed_at(784111777);
  open();
  EXPECT_EQ(get("/media", "If-Match: \"x\"\r\nRange: bytes=0-0\r\n").status, 412);
  EXPECT_EQ(get("/media", "If-Match: \"x\"\r\n").status, 412);
  EXPECT_EQ(get("/media", "If-Match: W/\"tag\"\r\n").status, 412) << "strong comparison";
  EXPECT_EQ(get("/media", "If-Match: \"x\", \"tag\"\r\nRange: bytes=0-0\r\n").status, 206);
  EXPECT_EQ(get("/media", "If-Match: *\r\n").body, text);
  EXPECT_EQ(get("/media", "If-Match: \"x\"\r\nIf-None-Match: \"tag\"\r\n").status, 412);
  EXPECT_EQ(get("/media", "If-Match: \"tag\"\r\nIf-None-Match: \"tag\"\r\n").status, 304);
  EXPECT_EQ(get("/media", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n").status, 412);
  EXPECT_EQ(get("/media", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 200);
  EXPECT_EQ(get("/media", "If-Unmodified-Since: nonsense\r\n").status, 200);
  const auto refused = get("/media", "If-Match: \"x\"\r\n");
  EXPECT_EQ(refused.body, "<h1>412</h1>");
  EXPECT_EQ(refused.field("ETag"), "") << refused.head;
  std::ofstream(path, std::ios::binary) << "another one, whose tag nobody knows";
  EXPECT_EQ(get("/media", "If-Match: \"tag\"\r\n").status, 412);
  EXPECT_EQ(get("/media", "If-Match: *\r\n").status, 200);
}

TEST_F(front_pages_test, files_are_sent_whole_in_parts_or_not_at_all) {
  const auto path = std::filesystem::temp_directory_path() / ("lyceum-front-" + std::to_string(getpid()));
  const auto text = large();
  std::ofstream(path, std::ios::binary) << text;
  rows.push_back(make_route("GET", "/media", [&](const request&, storage::db*) {
    response out;
    out.content_type = "video/mp4";
    out.file =
        file_body{path, static_cast<std::int64_t>(text.size()), "\"tag\"", unix_time(std::chrono::seconds(784111777))};
    return out;
  }));
  open();
  const auto whole = get("/media");
  EXPECT_EQ(whole.body, text);
  EXPECT_EQ(whole.field("Accept-Ranges"), "bytes");
  EXPECT_EQ(whole.field("ETag"), "\"tag\"");
  EXPECT_EQ(whole.field("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(whole.field("Cache-Control"), "public, no-cache");
  const auto part = get("/media", "Range: bytes=1000000-1000099\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, text.substr(1'000'000, 100));
  EXPECT_EQ(part.field("Content-Range"), "bytes 1000000-1000099/" + std::to_string(text.size()));
  EXPECT_EQ(get("/media", "Range: bytes=-5\r\n").body, text.substr(text.size() - 5));
  const auto behind = get("/media", "Range: bytes=99999999-\r\n");
  EXPECT_EQ(behind.status, 416);
  EXPECT_EQ(behind.field("Content-Range"), "bytes */" + std::to_string(text.size()));
  EXPECT_EQ(get("/media", "Range: bytes=0-0\r\nIf-Range: \"old\"\r\n").status, 200);
  EXPECT_EQ(get("/media", "Range: bytes=0-0\r\nIf-Range: \"tag\"\r\n").status, 206);
  EXPECT_EQ(get("/media", "If-None-Match: \"tag\"\r\n").status, 304);
  EXPECT_EQ(get("/media", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 304);
  EXPECT_EQ(get("/media", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n").status, 200);
  client head(address());
  head.say("HEAD /media HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n");
  EXPECT_EQ(head.hear(true).field("Content-Length"), std::to_string(text.size()));

  std::ofstream(path, std::ios::binary) << "short";
  const auto other = get("/media", "If-None-Match: \"tag\"\r\n");
  EXPECT_EQ(other.body, "short") << "a file that was replaced has not the ETag of the old one";
  EXPECT_EQ(other.field("ETag"), "");
  std::filesystem::remove(path);
  EXPECT_EQ(get("/media").status, 404);
  EXPECT_EQ(get("/plain/a").status, 200);
}

} // namespace
} // namespace lyceum::http::testing
