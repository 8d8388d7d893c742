// SPDX-License-Identifier: Apache-2.0
// One connection to the database, whichever engine it is.
#pragma once

#include "storage/model/expected.hpp"
#include "storage/query.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lyceum::storage {

/// A statement failed in a way that is nobody's plan: bad SQL, a damaged file. `query` is its name, or empty.
class error : public std::runtime_error {
public:
  error(std::string_view query_name, std::string_view what);
  const std::string& query() const noexcept { return query_; }

private:
  std::string query_;
};

/// A rule of the schema refused it: unique, foreign key, check, not null.
class constraint_violation : public error {
public:
  using error::error;
};
/// Somebody else was in the way (a lock, a serialisation failure): the same transaction may well succeed now.
class retry : public error {
public:
  using error::error;
};
/// The statement's deadline passed.
class timeout : public error {
public:
  using error::error;
};
/// `interrupt()` ended the statement, or the fence closed before COMMIT.
class interrupted : public error {
public:
  using error::error;
};
/// It cannot be written now: a full disk, a file without rights, a standby. Reading may still go on.
class unwritable : public error {
public:
  using error::error;
};
/// The database is away: refused, lost, or silent. The connection is of no more use; open a new one after a pause.
class outage : public error {
public:
  using error::error;
};

enum class engine { sqlite, postgres };

/// Whether a connection may write. A reading one fails on any attempt.
enum class mode { reads, writes };

/// Waits of one connection.
struct limits {
  std::chrono::milliseconds statement{3000}; ///< longest run of one statement
  std::chrono::milliseconds connect{2000};   ///< longest connecting, name lookup included (PostgreSQL)
  std::chrono::milliseconds busy{3000};      ///< longest wait for another writer (SQLite)
};

/// A connection. One thread at a time uses it; only `interrupt` may be called from others.
/// What throws: `error` and its kinds. After an `outage` the object stays broken (`healthy()` is false).
class db {
public:
  virtual ~db() = default;
  db(const db&) = delete;
  db& operator=(const db&) = delete;

  /// The first row, as `reader(const row&)` makes it, or nothing.
  template <class Reader, class... Args>
  auto one(const query& what, Reader&& reader, const Args&... args) {
    using value = std::decay_t<std::invoke_result_t<Reader&, const row&>>;
    std::optional<value> found;
    const std::array<parameter, sizeof...(Args)> bound{to_parameter(args)...};
    run(what, bound, [&](const row& r) {
      found.emplace(reader(r));
      return false;
    });
    return found;
  }

  /// Every row, in order.
  template <class Reader, class... Args>
  auto all(const query& what, Reader&& reader, const Args&... args) {
    using value = std::decay_t<std::invoke_result_t<Reader&, const row&>>;
    std::vector<value> found;
    const std::array<parameter, sizeof...(Args)> bound{to_parameter(args)...};
    run(what, bound, [&](const row& r) {
      found.push_back(reader(r));
      return true;
    });
    return found;
  }

  /// Runs a statement for its effect. Returns how many rows it wrote.
  template <class... Args>
  std::int64_t exec(const query& what, const Args&... args) {
    const std::array<parameter, sizeof...(Args)> bound{to_parameter(args)...};
    return run(what, bound, [](const row&) { return true; });
  }

  /// The form behind those three. `each` returns false to stop early. Returns rows written.
  virtual std::int64_t run(const query& what, std::span<const parameter> bound,
                           const std::function<bool(const row&)>& each) = 0;
  /// Several statements without values, as migrations hold. No statement deadline.
  virtual void script(std::string_view name, std::string_view sql) = 0;

  /// Runs `work()` between BEGIN and COMMIT (on SQLite BEGIN IMMEDIATE, so that two writers queue instead of failing) and
  /// returns what it returns. Rolls back where it throws, or returns an `expected` that holds a problem. Does not nest.
  template <class Work>
  auto transaction(Work&& work) {
    return between(true, std::forward<Work>(work));
  }
  /// The same for reading several things as they stood at one moment.
  template <class Work>
  auto snapshot(Work&& work) {
    return between(false, std::forward<Work>(work));
  }
  bool in_transaction() const noexcept { return depth_ > 0; }

  /// Inside a transaction: waits (at most 30 s) until no other transaction holds `key`, and holds it until the end. On SQLite
  /// every writing transaction already excludes the others.
  virtual void lock(std::int64_t key) = 0;

  /// Asked before each COMMIT; where it says false the transaction rolls back with `interrupted`. For workers that were
  /// abandoned: they must not write beside their successors.
  void fence(std::function<bool()> open) { fence_ = std::move(open); }

  /// Ends the statement that is running, if any (it throws `interrupted`), and a `wait_notification`. Any thread; never blocks.
  virtual void interrupt() noexcept = 0;
  /// False once the connection is lost. Asks the operating system, not the server: a silent server looks healthy.
  virtual bool healthy() = 0;
  virtual engine kind() const noexcept = 0;

  /// Subscribes to a channel. Without effect on SQLite.
  virtual void listen(std::string_view channel) = 0;
  /// The payload of the next notification, or nothing after `patience`. On SQLite always nothing, after `patience`.
  /// What was sent while no connection listened is lost: ask `content_seq` after connecting.
  virtual std::optional<std::string> wait_notification(std::chrono::milliseconds patience) = 0;
  /// Tells listeners, once the transaction (if any) is committed. At most 7,000 bytes. Without effect on SQLite.
  virtual void notify(std::string_view channel, std::string_view payload) = 0;

protected:
  db() = default;
  virtual void begin(bool writing) = 0;
  virtual void commit() = 0;
  virtual void roll_back() noexcept = 0;

private:
  void enter(bool writing);
  void leave(bool keep);

  template <class Work>
  auto between(bool writing, Work&& work) {
    struct scope {
      db& on;
      bool open = true;
      ~scope() {
        if (open) {
          on.roll_back();
          on.depth_ = 0;
        }
      }
    };
    enter(writing);
    scope here{*this};
    if constexpr (std::is_void_v<std::invoke_result_t<Work&>>) {
      work();
      leave(true);
      here.open = false;
    } else {
      auto result = work();
      if constexpr (requires {
                      result.error();
                      result.has_value();
                    }) {
        if (!result.has_value())
          return result; // the scope rolls back
      }
      leave(true);
      here.open = false;
      return result;
    }
  }

  std::function<bool()> fence_;
  int depth_ = 0;
};

/// Opens a connection. `url` is `sqlite:PATH`, a plain path, `postgres://…` or `postgresql://…`. A missing SQLite file is made
/// when `how` is `writes`; its folder must exist. Throws `outage` where a server does not answer, else `error` with what is
/// wrong and what to do.
std::unique_ptr<db> open(std::string_view url, mode how, const limits& waits = {});

/// The engine that a URL names; throws `error` for a scheme that is neither.
engine engine_of(std::string_view url);
/// The URL without its password, for logs and messages.
std::string without_password(std::string_view url);

} // namespace lyceum::storage
