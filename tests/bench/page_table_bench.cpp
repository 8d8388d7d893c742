// SPDX-License-Identifier: Apache-2.0
// What a cached page costs beside the kernel: a look-up by each of two loops, alone and with a writer; a put; and what
// a restarted process does before it is warm. Run: page_table_bench --benchmark_min_time=0.5
#include "actors/page_keeper.hpp"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unistd.h>

namespace lyceum {
namespace {

std::string key_of(std::size_t i) {
  return "/fr/courses/intermediate/l-" + std::to_string(i);
}

std::string text_of(std::size_t bytes, std::size_t salt) {
  std::string text;
  for (std::size_t i = salt; text.size() < bytes; ++i)
    text += "<p>Lesson " + std::to_string(i * 7919 % 10007) + " tells how a supervisor restarts its children.</p>\n";
  return text;
}

page_ptr page_with(std::string body, std::size_t lesson) {
  response answer;
  answer.body = std::move(body);
  answer.cache.what = cache_rule::kind::page;
  answer.cache.tags = {"lesson:" + std::to_string(lesson), "course:" + std::to_string(lesson / 20), "site"};
  answer.cache.content_seq = 1;
  return make_page(std::move(answer), "/courses/:course/:lesson");
}

page_table& filled(std::size_t keys) {
  static std::map<std::size_t, std::unique_ptr<page_table>> tables;
  static std::mutex guard;
  std::lock_guard lock(guard);
  auto& table = tables[keys];
  if (!table) {
    table = std::make_unique<page_table>();
    for (std::size_t i = 0; i < keys; ++i)
      table->put(key_of(i), page_with("x", i));
  }
  return *table;
}

/// Uniform random keys; a quiet point every 16, as a loop has once a turn. With `writes` a second from another thread.
void look_up(benchmark::State& state, std::size_t keys, int writes) {
  page_table& table = filled(keys);
  std::jthread writer;
  if (writes > 0 && state.thread_index() == 0)
    writer = std::jthread([&](std::stop_token stop) {
      for (std::size_t i = 0; !stop.stop_requested(); i += 7) {
        table.put(key_of(i % keys), page_with("y", i % keys));
        std::this_thread::sleep_for(std::chrono::microseconds(1'000'000 / writes));
      }
    });
  std::vector<std::string> asked(1 << 14);
  std::mt19937 dice(static_cast<unsigned>(state.thread_index()));
  for (auto& one : asked)
    one = key_of(dice() % keys);
  auto loop = table.make_reader();
  std::size_t n = 0;
  auto now = micros(now_utc());
  for (auto _ : state) {
    benchmark::DoNotOptimize(loop->find(asked[n & (asked.size() - 1)], now));
    if ((++n & 15) == 0)
      loop->quiet();
  }
}
BENCHMARK_CAPTURE(look_up, keys_1000, 1000, 0)->Threads(1)->Threads(2);
BENCHMARK_CAPTURE(look_up, keys_1000_writer, 1000, 1000)->Threads(2);
BENCHMARK_CAPTURE(look_up, keys_100000, 100'000, 0)->Threads(1)->Threads(2);
BENCHMARK_CAPTURE(look_up, keys_100000_writer, 100'000, 1000)->Threads(2);
BENCHMARK_CAPTURE(look_up, one_hot_key, 1, 0)->Threads(1)->Threads(2);

void replace_a_page(benchmark::State& state) {
  auto keys = static_cast<std::size_t>(state.range(0));
  page_table& table = filled(keys);
  auto page = page_with("y", 5);
  std::size_t n = 0;
  for (auto _ : state)
    table.put(key_of(n++ * 7 % keys), page);
}
BENCHMARK(replace_a_page)->Arg(1000)->Arg(100'000);

void add_a_key(benchmark::State& state) {
  page_table table;
  auto page = page_with("y", 5);
  std::size_t n = 0;
  for (auto _ : state)
    table.put(key_of(n++), page);
}
BENCHMARK(add_a_key)->Iterations(100'000);

void make_a_page_of_20_kib(benchmark::State& state) {
  auto text = text_of(20'000, 3);
  for (auto _ : state)
    benchmark::DoNotOptimize(page_with(text, 3));
}
BENCHMARK(make_a_page_of_20_kib);

void encode_20_kib(benchmark::State& state) {
  auto page = page_with(text_of(20'000, 3), 3);
  for (auto _ : state)
    benchmark::DoNotOptimize(with_encodings(*page, static_cast<int>(state.range(0))));
}
BENCHMARK(encode_20_kib)->Arg(5)->Arg(11)->Unit(benchmark::kMillisecond);

/// 785 pages of 20 KB in three encodings: a school. `checked`: as after a restart of the machine.
void load_a_school(benchmark::State& state) {
  auto folder = std::filesystem::temp_directory_path() / ("lyceum_bench_" + std::to_string(::getpid()));
  auto quiet = [](const std::string&) {};
  {
    page_store store(folder, "bench", quiet);
    for (std::size_t i = 0; i < 785; ++i)
      store.put(key_of(i), *with_encodings(*page_with(text_of(20'000, i), i), 1));
    state.counters["file_MB"] = static_cast<double>(store.now().file_bytes) / 1e6;
  }
  for (auto _ : state) {
    if (state.range(0) != 0) {
      state.PauseTiming();
      FILE* file = std::fopen((folder / "pages").c_str(), "r+");
      std::fseek(file, 32, SEEK_SET); // the header's name of the machine's life
      std::fputs("another", file);
      std::fclose(file);
      state.ResumeTiming();
    }
    page_store store(folder, "bench", quiet);
    page_table table;
    if (load_pages(table, store) != 785)
      state.SkipWithError("pages are missing");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(load_a_school)->ArgName("checked")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace lyceum

BENCHMARK_MAIN();
