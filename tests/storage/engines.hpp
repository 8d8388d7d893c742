// SPDX-License-Identifier: Apache-2.0
// Every storage test runs on SQLite and, where LYCEUM_TEST_POSTGRES names a server, on PostgreSQL: from one source.
#pragma once

#include "storage/catalogue.hpp"
#include "storage/db.hpp"
#include "storage/migrate.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace lyceum::storage::test {

/// 2025-01-01T00:00:00Z, and moments around it.
inline constexpr unix_time new_year{std::chrono::microseconds{1735689600000000}};

/// A fresh, empty database for each test, and a folder for its files.
class engine_test : public ::testing::TestWithParam<engine> {
protected:
  void SetUp() override;
  void TearDown() override;

  std::unique_ptr<db> connect(mode how = mode::writes, const limits& waits = {}) { return open(url_, how, waits); }

  /// Writes a file below `folder_`, its parents too.
  void put(const std::string& path, const std::string& text);
  void remove(const std::string& path);

  std::string url_;
  std::filesystem::path folder_;

private:
  std::string server_;
  std::string schema_;
};

/// The same with the schema up to date and one connection open.
class migrated_test : public engine_test {
protected:
  void SetUp() override;
  void TearDown() override;
  std::unique_ptr<db> db_;
};

std::string name_of(const ::testing::TestParamInfo<engine>&);

#define ON_BOTH_ENGINES(suite)                                                                                         \
  INSTANTIATE_TEST_SUITE_P(on, suite, ::testing::Values(engine::sqlite, engine::postgres), name_of)

} // namespace lyceum::storage::test
