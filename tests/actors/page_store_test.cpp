// SPDX-License-Identifier: Apache-2.0
#include "actors/page_store.hpp"
#include "tests/actors/pages.hpp"

#include <chrono>
#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lyceum {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct page_store_test : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("lyceum_store_" + std::to_string(::getpid()));
  fs::path file = folder / "pages";
  std::vector<std::string> log;

  void SetUp() override { fs::remove_all(folder); }
  void TearDown() override { fs::remove_all(folder); }

  std::unique_ptr<page_store> open(std::string_view fingerprint = "site") {
    return std::make_unique<page_store>(folder, fingerprint, [this](const std::string& line) { log.push_back(line); });
  }
  /// What a process that starts now would find: key → body, with a mark where it is stale.
  std::map<std::string, std::string> restarted(std::string_view fingerprint = "site") {
    std::map<std::string, std::string> all;
    for (const auto& one : open(fingerprint)->take())
      all[one.key] = std::string(one.what->identity->body) + (one.stale ? " (stale)" : "");
    return all;
  }
  using found = std::map<std::string, std::string>;
  std::string bytes() {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void overwrite(const std::string& with) { std::ofstream(file, std::ios::binary | std::ios::trunc) << with; }
};

TEST_F(page_store_test, a_restarted_process_finds_every_page_as_it_was) {
  auto answer = answer_of(long_text(3000), {"lesson:1", "site"}, 42);
  answer.headers = {{"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  answer.cache.fresh_until = from_micros(123456789);
  auto whole = with_encodings(*make_page(std::move(answer), "/courses/:course/:lesson"), 5);
  open()->put("/a", *whole);
  auto kept = open()->take();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].key, "/a");
  EXPECT_FALSE(kept[0].stale);
  const page& back = *kept[0].what;
  EXPECT_EQ(back.status, 200);
  EXPECT_EQ(back.route, whole->route);
  EXPECT_EQ(back.tags, whole->tags);
  EXPECT_EQ(back.content_seq, 42);
  EXPECT_EQ(back.fresh_until_us, 123456789);
  EXPECT_EQ(back.modified_s, whole->modified_s);
  for (auto one : {&page::identity, &page::gzip, &page::brotli}) {
    ASSERT_TRUE(back.*one);
    EXPECT_EQ((back.*one)->whole(), (whole.get()->*one)->whole());
    EXPECT_EQ((back.*one)->head_304, (whole.get()->*one)->head_304);
    EXPECT_EQ((back.*one)->etag, (whole.get()->*one)->etag);
  }
}

TEST_F(page_store_test, the_last_version_counts_and_what_was_erased_is_gone) {
  {
    auto store = open();
    store->put("/a", *page_of("one"));
    store->put("/a", *page_of("two"));
    store->put("/b", *page_of("b"));
    store->erase("/b");
    store->erase("/never was");
  }
  EXPECT_EQ(restarted(), (found{{"/a", "two"}}));
  EXPECT_EQ(restarted(), (found{{"/a", "two"}})) << "reading changes nothing";
}

TEST_F(page_store_test, an_eviction_is_remembered_across_a_restart) {
  {
    auto store = open();
    store->put("/old", *page_of("old", {"lesson:1"}, 4));
    store->put("/new", *page_of("new", {"lesson:1"}, 5));
    store->put("/other", *page_of("other", {"lesson:2"}, 4));
    store->put("/any", *page_of("any", {"site"}, 9));
    store->evicted("lesson:1", 5);
    store->evicted("site", 0);
    store->put("/late", *page_of("made before", {"lesson:1"}, 4));
    store->put("/site", *page_of("made after", {"site"}, 9));
    store->put("/marked", *page_of("marked"), true);
    EXPECT_EQ(store->newest_seq(), 9);
  }
  EXPECT_EQ(restarted(), (found{{"/old", "old (stale)"},
                                {"/new", "new"},
                                {"/other", "other"},
                                {"/any", "any (stale)"},
                                {"/late", "made before (stale)"},
                                {"/site", "made after"},
                                {"/marked", "marked (stale)"}}));
  EXPECT_EQ(open()->newest_seq(), 9);
}

TEST_F(page_store_test, another_build_or_site_starts_empty) {
  open("build 1")->put("/a", *page_of("x"));
  EXPECT_THAT(restarted("build 2"), IsEmpty());
  EXPECT_THAT(restarted("build 1"), IsEmpty()) << "what build 2 found useless it took away";
}

TEST_F(page_store_test, a_torn_end_is_cut_off_wherever_the_kill_came) {
  open()->put("/a", *page_of("whole"));
  auto one = bytes();
  open()->put("/b", *page_of(std::string(200, 'b')));
  auto two = bytes();
  for (std::size_t cut = one.size(); cut < two.size(); cut += 7) {
    overwrite(two.substr(0, cut));
    ASSERT_EQ(restarted(), (found{{"/a", "whole"}})) << cut;
    ASSERT_EQ(bytes().size(), one.size());
  }
  open()->put("/c", *page_of("after"));
  EXPECT_EQ(restarted(), (found{{"/a", "whole"}, {"/c", "after"}}));
}

TEST_F(page_store_test, a_process_killed_while_writing_leaves_whole_pages_only) {
  for (int round = 0; round < 5; ++round) {
    fs::remove_all(folder);
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    auto child = ::fork();
    if (child == 0) {
      auto store = open();
      for (int i = 0; i < 1'000'000; ++i) {
        store->put("/" + std::to_string(i), *page_of(std::to_string(i) + std::string(3000, 'x')));
        if (i == 50 + round * 10 && ::write(ready[1], "!", 1) != 1)
          ::_exit(1);
      }
      ::_exit(0);
    }
    char mark = 0;
    ASSERT_EQ(::read(ready[0], &mark, 1), 1);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    auto all = restarted();
    EXPECT_GT(all.size(), 50u);
    for (const auto& [key, body] : all)
      ASSERT_EQ(body, key.substr(1) + std::string(3000, 'x'));
  }
}

TEST_F(page_store_test, after_a_restart_of_the_machine_a_page_whose_bytes_rotted_is_not_believed) {
  {
    auto store = open();
    store->put("/a", *page_of("first page"));
    store->put("/b", *page_of("second page"));
  }
  auto all = bytes();
  auto rotten = all;
  rotten[rotten.find("second page")] = 'S';
  // The header's last 40 bytes name the machine's life: another one now.
  constexpr std::size_t life = 8 + 8 + 16 + 8;
  rotten[life] = rotten[life] == 'x' ? 'y' : 'x';
  overwrite(rotten);
  EXPECT_EQ(restarted(), (found{{"/a", "first page"}}));
}

TEST_F(page_store_test, no_damage_to_the_file_is_more_than_a_loss) {
  {
    auto store = open();
    store->put("/a", *with_encodings(*page_of(long_text(1500), {"t"}), 1));
    store->evicted("t", 1);
    store->put("/b", *page_of("b"));
  }
  auto good = bytes();
  for (std::size_t at = 0; at < good.size(); at += at < 400 ? 1 : 13) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    overwrite(bad);
    for (const auto& [key, body] : restarted())
      ASSERT_TRUE(key == "/a" || key == "/b") << at;
  }
  overwrite("lycpages");
  EXPECT_THAT(restarted(), IsEmpty());
  overwrite("");
  EXPECT_THAT(restarted(), IsEmpty());
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(page_store_test, a_rewritten_file_holds_what_lives_and_the_newest_sequence) {
  page_table table;
  auto store = open();
  for (int i = 0; i < 300; ++i)
    store->put("/a", *page_of(long_text(20000) + std::to_string(i), {"t"}, 3));
  store->evicted("t", 77);
  EXPECT_TRUE(store->wants_rewrite());
  table.put("/a", page_of("now", {"t"}, 7));
  table.put("/s", page_of("stale", {"s"}, 1));
  table.mark_stale("s", 0);
  store->rewrite(table.entries());
  EXPECT_FALSE(store->wants_rewrite());
  EXPECT_LT(store->now().file_bytes, 5000u);
  EXPECT_EQ(store->now().file_bytes, fs::file_size(file));
  store->put("/b", *page_of("after", {}, 2));
  store.reset();
  EXPECT_EQ(restarted(), (found{{"/a", "now"}, {"/s", "stale (stale)"}, {"/b", "after"}}));
  EXPECT_EQ(open()->newest_seq(), 77);
}

TEST_F(page_store_test, pages_served_from_the_old_file_outlive_it) {
  open()->put("/a", *page_of("mapped"));
  auto store = open();
  auto all = store->take();
  store->rewrite({});
  store.reset();
  fs::remove_all(folder);
  EXPECT_EQ(all.at(0).what->identity->body, "mapped");
}

TEST_F(page_store_test, a_second_process_reads_and_takes_over_when_the_first_has_gone) {
  auto old = open();
  old->put("/a", *page_of("a"));
  auto young = open();
  EXPECT_FALSE(young->now().writing);
  EXPECT_THAT(young->take(), SizeIs(1));
  young->put("/lost", *page_of("x"));
  EXPECT_FALSE(young->wants_rewrite());
  old->put("/b", *page_of("b"));
  old.reset();
  EXPECT_TRUE(young->wants_rewrite());
  page_table table;
  table.put("/c", page_of("c"));
  young->rewrite(table.entries());
  EXPECT_TRUE(young->now().writing);
  young.reset();
  EXPECT_EQ(restarted(), (found{{"/c", "c"}}));
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(page_store_test, who_lets_go_writes_no_more_and_a_second_process_takes_over) {
  auto old = open();
  old->put("/a", *page_of("old"));
  auto fresh = open();
  EXPECT_FALSE(fresh->wants_rewrite());
  old->let_go();
  EXPECT_FALSE(old->wants_rewrite()) << "it must not take the lock again";
  old->put("/b", *page_of("too late"));
  old->evicted("site", 7);
  EXPECT_FALSE(old->now().writing);
  ASSERT_TRUE(fresh->wants_rewrite());
  page_table table;
  for (auto& one : fresh->take())
    table.put(one.key, one.what);
  fresh->rewrite(table.entries());
  fresh->put("/c", *page_of("new"));
  old = nullptr;
  fresh = nullptr;
  EXPECT_EQ(restarted(), (found{{"/a", "old"}, {"/c", "new"}}));
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(page_store_test, an_heir_takes_what_another_build_wrote_as_stale) {
  const auto kin = [this](std::string_view build, bool inherits, std::string_view family = "school") {
    return std::make_unique<page_store>(
        folder, build, [this](const std::string& line) { log.push_back(line); }, page_store::kinship{family, inherits});
  };
  auto asset = answer_of("css", {"theme"});
  asset.cache.what = cache_rule::kind::immutable;
  {
    auto store = kin("one", false);
    store->put("/a", *page_of("a"));
    store->put("/assets/a.css", *make_page(std::move(asset), "/assets/:name"));
  }
  const auto bodies = [](page_store& from) {
    found all;
    for (const auto& one : from.take())
      all[one.key] = std::string(one.what->identity->body) + (one.stale ? " (stale)" : "");
    return all;
  };
  const found inherited{{"/a", "a (stale)"}, {"/assets/a.css", "css"}};
  {
    auto writer = kin("one", false); // still there: the heir only reads
    auto heir = kin("two", true);
    EXPECT_EQ(bodies(*heir), inherited);
    EXPECT_FALSE(heir->now().writing);
  }
  EXPECT_THAT(bodies(*kin("two", true, "another school")), IsEmpty());
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(page_store_test, an_heir_that_is_alone_goes_on_with_what_it_inherits) {
  const auto kin = [this](std::string_view build, bool inherits) {
    return std::make_unique<page_store>(
        folder, build, [this](const std::string& line) { log.push_back(line); },
        page_store::kinship{"school", inherits});
  };
  kin("one", false)->put("/a", *page_of("a"));
  auto reader = kin("one", false)->take(); // mapped, and sent on while the file is replaced
  kin("two", true);
  EXPECT_EQ(restarted("two"), (found{{"/a", "a (stale)"}}));
  EXPECT_THAT(restarted("one"), IsEmpty());
  ASSERT_THAT(reader, SizeIs(1));
  EXPECT_EQ(reader[0].what->identity->body, "a") << "another build must not cut the file under whoever maps it";
}

TEST_F(page_store_test, a_full_disk_ends_the_store_with_one_line_and_nothing_else) {
  auto store = open();
  store->put("/a", *page_of("x", {"t"}));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit tight{4096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  store->put("/big", *page_of(long_text(10000)));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  store->put("/later", *page_of("y"));
  store->evicted("t", 0);
  store->erase("/a");
  store->rewrite({});
  EXPECT_FALSE(store->wants_rewrite());
  EXPECT_FALSE(store->now().writing);
  ASSERT_THAT(log, SizeIs(1));
  EXPECT_THAT(log[0], HasSubstr(folder.string()));
  store.reset();
  EXPECT_THAT(restarted(), IsEmpty()) << "it misses an eviction, so it may not be believed";
}

TEST_F(page_store_test, a_folder_that_cannot_be_made_is_one_line_too) {
  std::ofstream(folder.string()) << "a file is in the way";
  auto store = open();
  store->put("/a", *page_of("x"));
  EXPECT_THAT(log, SizeIs(1));
  EXPECT_THAT(store->take(), IsEmpty());
}

} // namespace
} // namespace lyceum
