// SPDX-License-Identifier: Apache-2.0
// SQLite: one file in WAL mode. Writers queue (BEGIN IMMEDIATE), readers never wait.
#include "storage/engines.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <sqlite3.h>
#include <sys/stat.h>
#include <thread>
#include <unordered_map>

namespace lyceum::storage {
namespace {

using clock = std::chrono::steady_clock;

// Virtual machine steps between two looks at the clock: some tens of microseconds.
constexpr int steps_between_looks = 4000;

struct close_connection {
  void operator()(sqlite3* c) const { sqlite3_close_v2(c); }
};
struct finalize {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using connection = std::unique_ptr<sqlite3, close_connection>;
using statement = std::unique_ptr<sqlite3_stmt, finalize>;

class sqlite_row final : public row {
public:
  explicit sqlite_row(sqlite3_stmt* s) : s_(s) {}
  bool is_null(int column) const override { return sqlite3_column_type(s_, column) == SQLITE_NULL; }
  std::int64_t integer(int column) const override { return sqlite3_column_int64(s_, column); }
  double real(int column) const override { return sqlite3_column_double(s_, column); }
  bool flag(int column) const override { return sqlite3_column_int64(s_, column) != 0; }
  std::string_view view(int column) const override {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(s_, column));
    if (!bytes)
      return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(s_, column))};
  }

private:
  sqlite3_stmt* s_;
};

struct prepared {
  statement what;
  bool running = false;
};

class sqlite_db final : public db {
public:
  sqlite_db(const std::string& path, mode how, const limits& waits) : path_(path), how_(how), waits_(waits) {
    connect();
    sqlite3_progress_handler(c_.get(), steps_between_looks, &look_at_the_clock, this);
  }

  std::int64_t run(const query& what, std::span<const parameter> bound,
                   const std::function<bool(const row&)>& each) override {
    const std::string_view text = what.sqlite_text ? what.sqlite_text : what.text;
    prepared& p = prepare(what.name, text);
    if (p.running)
      throw std::logic_error(std::string(what.name) + " is asked again inside its own reader");
    struct running {
      prepared& p;
      explicit running(prepared& which) : p(which) { p.running = true; }
      ~running() {
        sqlite3_reset(p.what.get());
        sqlite3_clear_bindings(p.what.get());
        p.running = false;
      }
    } here{p};
    bind(what.name, p.what.get(), bound);
    const watch watched(*this);
    const auto before = sqlite3_total_changes64(c_.get());
    const sqlite_row r(p.what.get());
    for (;;) {
      const int code = sqlite3_step(p.what.get());
      if (code == SQLITE_DONE)
        break;
      if (code != SQLITE_ROW)
        fail(what.name);
      if (!each(r))
        break;
    }
    return sqlite3_stmt_readonly(p.what.get()) ? 0 : sqlite3_total_changes64(c_.get()) - before;
  }

  void script(std::string_view name, std::string_view sql) override {
    if (sqlite3_exec(c_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      fail(name);
  }

  void lock(std::int64_t) override {}

  void interrupt() noexcept override {
    interrupted_ = true;
    sqlite3_interrupt(c_.get());
    const std::lock_guard hold(sleep_guard_);
    woken_ = true;
    sleep_.notify_all();
  }
  /// False where another file has taken its place (a backup was restored). A file that was removed goes on being read.
  bool healthy() override {
    struct stat now {};
    return opened_.st_ino == 0 || stat(path_.c_str(), &now) != 0 ||
           (now.st_ino == opened_.st_ino && now.st_dev == opened_.st_dev);
  }
  engine kind() const noexcept override { return engine::sqlite; }

  void listen(std::string_view) override {}
  std::optional<std::string> wait_notification(std::chrono::milliseconds patience) override {
    std::unique_lock hold(sleep_guard_);
    woken_ = false;
    sleep_.wait_for(hold, patience, [this] { return woken_; });
    return std::nullopt;
  }
  void notify(std::string_view, std::string_view) override {}

protected:
  // A writing transaction takes the lock at once: one that reads first and then writes fails at once where another writes,
  // and no busy timeout helps it.
  void begin(bool writing) override { plain(writing ? "BEGIN IMMEDIATE" : "BEGIN"); }
  void commit() override { plain("COMMIT"); }
  void roll_back() noexcept override {
    if (!sqlite3_get_autocommit(c_.get()))
      sqlite3_exec(c_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

private:
  // While it lives, the statement that runs has a deadline.
  struct watch {
    sqlite_db& on;
    int depth;
    explicit watch(sqlite_db& d) : on(d), depth(d.running_++) {
      if (depth == 0) {
        on.interrupted_ = false;
        on.late_ = false;
        on.deadline_ = clock::now() + on.waits_.statement;
      }
    }
    ~watch() {
      if (--on.running_ == 0)
        on.deadline_ = clock::time_point::max();
    }
  };

  static int look_at_the_clock(void* self) {
    auto& d = *static_cast<sqlite_db*>(self);
    if (d.interrupted_.load(std::memory_order_relaxed) && d.running_ > 0)
      return 1;
    if (clock::now() < d.deadline_)
      return 0;
    d.late_ = true;
    return 1;
  }

  void connect() {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= how_ == mode::writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(path_.c_str(), &raw, flags, nullptr);
    c_.reset(raw);
    if (code != SQLITE_OK)
      throw error("", "cannot open the database " + path_ + ": " + explain(code));
    sqlite3_busy_timeout(c_.get(), static_cast<int>(waits_.busy.count()));
    if (how_ == mode::writes && sqlite3_db_readonly(c_.get(), "main") == 1)
      throw error("", "the database " + path_ + " is read-only: give this user the right to write it and its folder");
    pragma("PRAGMA foreign_keys = ON");
    if (how_ == mode::writes) {
      pragma("PRAGMA journal_mode = WAL");
      pragma("PRAGMA synchronous = FULL");
    } else {
      pragma("PRAGMA query_only = ON");
      pragma("SELECT 1 FROM sqlite_schema LIMIT 1"); // opening is lazy: a bad file shows here
    }
    if (stat(path_.c_str(), &opened_) != 0)
      opened_ = {};
    pragma("PRAGMA temp_store = MEMORY");
    pragma(
        "PRAGMA cache_size = -2048"); // KiB a connection, and a site has ten: the kernel keeps the file for all of them
    pragma("PRAGMA mmap_size = 0");
  }

  // Two that open a new file at once both want to make it a WAL one, and SQLite does not ask the busy handler then: whoever
  // comes second waits here, as long as for any other writer.
  void pragma(const char* sql) {
    const auto until = clock::now() + waits_.busy;
    for (;;) {
      const int code = sqlite3_exec(c_.get(), sql, nullptr, nullptr, nullptr);
      if (code == SQLITE_OK)
        return;
      if ((code & 0xff) != SQLITE_BUSY || clock::now() > until)
        throw error("", "cannot use the database " + path_ + ": " + explain(code));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  std::string explain(int code) const {
    if (code == SQLITE_READONLY_DBMOVED)
      return "its file was removed or replaced while it was open: restart the server";
    switch (code & 0xff) {
    case SQLITE_CANTOPEN:
      return how_ == mode::writes ? "its folder does not exist, or this user may not write there"
                                  : "it does not exist yet, or this user may not read it";
    case SQLITE_NOTADB:
      return "it is not an SQLite database";
    case SQLITE_READONLY:
      return "it is read-only: give this user the right to write it and its folder";
    case SQLITE_FULL:
      return "the disk is full";
    case SQLITE_CORRUPT:
      return "it is damaged: restore a backup";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program holds it locked";
    default:
      return c_ ? sqlite3_errmsg(c_.get()) : sqlite3_errstr(code);
    }
  }

  void plain(const char* sql) {
    interrupted_ = false;
    if (sqlite3_exec(c_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      fail(sql);
  }

  prepared& prepare(std::string_view name, std::string_view text) {
    if (const auto known = prepared_.find(name); known != prepared_.end())
      return known->second;
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    if (sqlite3_prepare_v3(c_.get(), text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT, &raw,
                           &rest) != SQLITE_OK)
      fail(name);
    return prepared_.emplace(name, prepared{statement(raw), false}).first->second;
  }

  // "$2" is looked up by name, since SQLite numbers placeholders in the order of their appearance.
  void bind(std::string_view name, sqlite3_stmt* s, std::span<const parameter> bound) {
    char label[8] = "$";
    for (std::size_t i = 0; i < bound.size(); ++i) {
      const auto number = std::to_string(i + 1);
      number.copy(label + 1, 6);
      label[1 + number.size()] = '\0';
      const int at = sqlite3_bind_parameter_index(s, label);
      if (at == 0)
        throw error(name, "has no placeholder " + std::string(label));
      bind_one(name, s, at, bound[i]);
    }
    if (sqlite3_bind_parameter_count(s) > static_cast<int>(bound.size()))
      throw error(name, "wants " + std::to_string(sqlite3_bind_parameter_count(s)) + " values");
  }

  void bind_one(std::string_view name, sqlite3_stmt* s, int at, const parameter& p) {
    int code = SQLITE_OK;
    if (const auto* n = std::get_if<std::int64_t>(&p))
      code = sqlite3_bind_int64(s, at, *n);
    else if (const auto* d = std::get_if<double>(&p))
      code = sqlite3_bind_double(s, at, *d);
    else if (const auto* b = std::get_if<bool>(&p))
      code = sqlite3_bind_int(s, at, *b ? 1 : 0);
    else if (const auto* t = std::get_if<std::string_view>(&p))
      code = sqlite3_bind_text64(s, at, t->data() ? t->data() : "", t->size(), SQLITE_STATIC, SQLITE_UTF8);
    else
      code = sqlite3_bind_null(s, at);
    if (code != SQLITE_OK)
      fail(name);
  }

  [[noreturn]] void fail(std::string_view name) {
    const int code = sqlite3_extended_errcode(c_.get());
    const std::string what = sqlite3_errmsg(c_.get());
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      throw constraint_violation(name, what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw retry(name, what);
    case SQLITE_INTERRUPT:
      if (late_)
        throw timeout(name, "took longer than " + std::to_string(waits_.statement.count()) + " ms");
      throw interrupted(name, "interrupted");
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      throw unwritable(name, "the database " + path_ + ": " + explain(code));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw error(name, "the database " + path_ + ": " + explain(code));
    default:
      throw error(name, what);
    }
  }

  std::string path_;
  mode how_;
  limits waits_;
  connection c_;
  struct stat opened_ {};
  std::unordered_map<std::string_view, prepared> prepared_; // keys are query names, which are literals
  std::atomic<bool> interrupted_ = false;
  int running_ = 0;
  bool late_ = false;
  clock::time_point deadline_ = clock::time_point::max();
  std::mutex sleep_guard_;
  std::condition_variable sleep_;
  bool woken_ = false;
};

} // namespace

std::unique_ptr<db> open_sqlite(const std::string& path, mode how, const limits& waits) {
  return std::make_unique<sqlite_db>(path, how, waits);
}

} // namespace lyceum::storage
