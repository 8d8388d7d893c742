// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace lyceum::storage::test {
namespace {

std::atomic<int> made = 0;

} // namespace

void engine_test::SetUp() {
  const std::string unique = std::to_string(::getpid()) + "_" + std::to_string(++made);
  folder_ = std::filesystem::temp_directory_path() / ("lyceum_storage_" + unique);
  std::filesystem::create_directories(folder_);
  folder_ = std::filesystem::canonical(folder_);
  if (GetParam() == engine::sqlite) {
    std::filesystem::create_directories(folder_ / ".data");
    url_ = "sqlite:" + (folder_ / ".data/test.db").string();
    return;
  }
  const char* server = std::getenv("LYCEUM_TEST_POSTGRES");
  if (!server)
    GTEST_SKIP() << "LYCEUM_TEST_POSTGRES is not set: THE POSTGRESQL HALF OF THIS TEST DID NOT RUN";
  server_ = server;
  schema_ = "test_" + unique;
  open(server_, mode::writes)->script("test.create", "CREATE SCHEMA " + schema_);
  url_ = server_ + (server_.find('?') == std::string::npos ? "?" : "&") + "options=-csearch_path%3D" + schema_;
}

void engine_test::TearDown() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  if (!schema_.empty())
    open(server_, mode::writes)->script("test.drop", "DROP SCHEMA " + schema_ + " CASCADE");
}

void engine_test::put(const std::string& path, const std::string& text) {
  std::filesystem::create_directories((folder_ / path).parent_path());
  std::ofstream(folder_ / path, std::ios::binary) << text;
}

void engine_test::remove(const std::string& path) {
  std::filesystem::remove_all(folder_ / path);
}

void migrated_test::SetUp() {
  engine_test::SetUp();
  if (IsSkipped())
    return;
  db_ = connect();
  migrate(*db_);
}

void migrated_test::TearDown() {
  db_.reset();
  engine_test::TearDown();
}

std::string name_of(const ::testing::TestParamInfo<engine>& info) {
  return info.param == engine::sqlite ? "sqlite" : "postgres";
}

} // namespace lyceum::storage::test
