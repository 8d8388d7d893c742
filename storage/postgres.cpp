// SPDX-License-Identifier: Apache-2.0
// PostgreSQL by libpq. Every wait is a poll() with a deadline of ours, since a silent network makes libpq's own calls wait for
// minutes; an eventfd in the same poll() lets another thread end the wait.
#include "storage/engines.hpp"

#include <cerrno>
#include <charconv>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <unordered_set>

namespace lyceum::storage {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How much longer than the server's own statement deadline we wait for its answer before the connection counts as lost.
constexpr milliseconds network_grace{1000};
constexpr milliseconds lock_wait_max{30000};
constexpr milliseconds script_max{600000};

struct close_connection {
  void operator()(PGconn* c) const { PQfinish(c); }
};
struct clear_result {
  void operator()(PGresult* r) const { PQclear(r); }
};
using result = std::unique_ptr<PGresult, clear_result>;

class postgres_row final : public row {
public:
  postgres_row(const PGresult* r, int at) : r_(r), at_(at) {}
  bool is_null(int column) const override { return PQgetisnull(r_, at_, column) == 1; }
  std::int64_t integer(int column) const override { return number<std::int64_t>(column); }
  double real(int column) const override { return number<double>(column); }
  bool flag(int column) const override {
    const auto v = view(column);
    return v == "t" || v == "1";
  }
  std::string_view view(int column) const override {
    return {PQgetvalue(r_, at_, column), static_cast<std::size_t>(PQgetlength(r_, at_, column))};
  }

private:
  template <class T>
  T number(int column) const {
    const auto v = view(column);
    T n{};
    std::from_chars(v.data(), v.data() + v.size(), n);
    return n;
  }
  const PGresult* r_;
  int at_;
};

// Values as text, kept alive for one call.
class texts {
public:
  explicit texts(std::span<const parameter> bound) : kept_(bound.size()), values_(bound.size()) {
    for (std::size_t i = 0; i < bound.size(); ++i)
      values_[i] = write(bound[i], kept_[i]) ? kept_[i].c_str() : nullptr;
  }
  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }

private:
  static bool write(const parameter& p, std::string& out) {
    if (const auto* n = std::get_if<std::int64_t>(&p))
      out = std::to_string(*n);
    else if (const auto* d = std::get_if<double>(&p)) {
      char digits[32];
      out.assign(digits, std::to_chars(digits, digits + sizeof digits, *d).ptr);
    } else if (const auto* b = std::get_if<bool>(&p))
      out = *b ? "t" : "f";
    else if (const auto* t = std::get_if<std::string_view>(&p))
      out = *t;
    else
      return false;
    return true;
  }
  std::vector<std::string> kept_;
  std::vector<const char*> values_;
};

std::string first_line(const char* text) {
  const std::string_view all = text ? text : "";
  std::string_view line = all.substr(0, all.find('\n'));
  return std::string(line);
}

class postgres_db final : public db {
public:
  postgres_db(const std::string& url, mode how, const limits& waits) : url_(url), waits_(waits) {
    wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_ < 0)
      throw error("", "no file descriptor left for a database connection");
    try {
      connect();
      set_up(how);
    } catch (...) {
      c_.reset();
      ::close(wake_);
      throw;
    }
  }
  ~postgres_db() override {
    c_.reset();
    ::close(wake_);
  }

  std::int64_t run(const query& what, std::span<const parameter> bound,
                   const std::function<bool(const row&)>& each) override {
    prepare(what);
    const texts values(bound);
    const std::string name(what.name);
    start(what.name, PQsendQueryPrepared(c_.get(), name.c_str(), values.count(), values.values(), nullptr, nullptr, 0));
    const result r = finish(what.name, waits_.statement + network_grace);
    const int rows = PQntuples(r.get());
    for (int i = 0; i < rows; ++i)
      if (!each(postgres_row(r.get(), i)))
        break;
    const std::string_view written = PQcmdTuples(r.get());
    if (PQresultStatus(r.get()) == PGRES_TUPLES_OK && std::string_view(PQcmdStatus(r.get())).starts_with("SELECT"))
      return 0;
    std::int64_t n = 0;
    std::from_chars(written.data(), written.data() + written.size(), n);
    return n;
  }

  void script(std::string_view name, std::string_view sql) override {
    simple("", "SET statement_timeout = 0", waits_.statement + network_grace);
    const auto restore = [&] { simple("", statement_timeout(), waits_.statement + network_grace); };
    try {
      simple(name, std::string(sql), script_max);
    } catch (const outage&) {
      throw;
    } catch (const error&) {
      if (PQtransactionStatus(c_.get()) == PQTRANS_IDLE)
        restore();
      throw; // in a failed transaction: its ROLLBACK takes the SET back
    }
    restore();
  }

  void lock(std::int64_t key) override {
    if (!in_transaction())
      throw std::logic_error("lock() outside a transaction");
    simple("", "SET LOCAL statement_timeout = " + std::to_string(lock_wait_max.count()),
           waits_.statement + network_grace);
    simple("storage.lock", "SELECT pg_advisory_xact_lock(" + std::to_string(key) + ")", lock_wait_max + network_grace);
    simple("", "SET LOCAL statement_timeout = " + std::to_string(waits_.statement.count()),
           waits_.statement + network_grace);
  }

  void interrupt() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
  }

  bool healthy() override {
    if (!c_ || PQstatus(c_.get()) != CONNECTION_OK)
      return false;
    // What came unasked is a notification, a notice, or a last message and then the end.
    for (int i = 0; i < 4; ++i) {
      pollfd p{PQsocket(c_.get()), POLLIN, 0};
      if (::poll(&p, 1, 0) <= 0)
        break;
      if (PQconsumeInput(c_.get()) != 1)
        return false;
      PQisBusy(c_.get()); // takes in what was read
    }
    return PQstatus(c_.get()) == CONNECTION_OK;
  }
  engine kind() const noexcept override { return engine::postgres; }

  void listen(std::string_view channel) override {
    const std::unique_ptr<char, decltype(&PQfreemem)> quoted(
        PQescapeIdentifier(alive(""), channel.data(), channel.size()), &PQfreemem);
    if (!quoted)
      throw error("storage.listen", "not a channel's name");
    simple("storage.listen", std::string("LISTEN ") + quoted.get(), waits_.statement + network_grace);
  }

  std::optional<std::string> wait_notification(milliseconds patience) override {
    drain_wake();
    const auto deadline = clock::now() + patience;
    for (;;) {
      if (PQconsumeInput(alive("storage.wait_notification")) != 1)
        lost("storage.wait_notification");
      if (const std::unique_ptr<PGnotify, decltype(&PQfreemem)> n(PQnotifies(c_.get()), &PQfreemem); n)
        return std::string(n->extra ? n->extra : "");
      if (wait(POLLIN, deadline) != waited::ready)
        return std::nullopt;
    }
  }

  void notify(std::string_view channel, std::string_view payload) override {
    static constexpr query send{"storage.notify", "SELECT pg_notify($1, $2)"};
    exec(send, channel, payload);
  }

protected:
  void begin(bool writing) override {
    simple("BEGIN", writing ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
           waits_.statement + network_grace);
  }
  void commit() override {
    const result r = simple("COMMIT", "COMMIT", waits_.statement + network_grace);
    if (std::string_view(PQcmdStatus(r.get())) == "ROLLBACK")
      throw error("COMMIT", "the transaction had failed before");
  }
  void roll_back() noexcept override {
    if (!c_ || PQstatus(c_.get()) != CONNECTION_OK)
      return;
    try {
      if (PQtransactionStatus(c_.get()) != PQTRANS_IDLE)
        simple("ROLLBACK", "ROLLBACK", waits_.statement + network_grace);
    } catch (...) {
      c_.reset(); // the server rolls back when the connection is gone
    }
  }

private:
  enum class waited { ready, late, woken };

  waited wait(short events, clock::time_point deadline, bool wakeable = true) {
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - clock::now()).count();
      if (left <= 0)
        return waited::late;
      pollfd both[2] = {{PQsocket(c_.get()), events, 0}, {wakeable ? wake_ : -1, POLLIN, 0}};
      const int n = ::poll(both, 2, static_cast<int>(left));
      if (n < 0 && errno != EINTR)
        return waited::late;
      if (n > 0 && both[1].revents != 0) {
        drain_wake();
        return waited::woken;
      }
      if (n > 0)
        return waited::ready;
    }
  }
  void drain_wake() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_, &count, sizeof count);
  }

  void connect() {
    const auto deadline = clock::now() + waits_.connect;
    const std::string user_timeout = std::to_string(waits_.connect.count());
    // What the URL states wins over what stands before it.
    const char* keys[] = {"application_name",
                          "keepalives_idle",
                          "keepalives_interval",
                          "keepalives_count",
                          "tcp_user_timeout",
                          "client_encoding",
                          "dbname",
                          nullptr};
    const char* values[] = {"lyceum", "5", "2", "3", user_timeout.c_str(), "UTF8", url_.c_str(), nullptr};
    c_.reset(PQconnectStartParams(keys, values, 1));
    if (!c_)
      throw outage("", "no memory for a database connection");
    if (PQstatus(c_.get()) == CONNECTION_BAD)
      refused();
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK; state = PQconnectPoll(c_.get())) {
      if (state == PGRES_POLLING_FAILED)
        refused();
      if (wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline) != waited::ready)
        throw outage("", "the database " + without_password(url_) + " did not answer within " +
                             std::to_string(waits_.connect.count()) + " ms");
    }
    if (PQsetnonblocking(c_.get(), 1) != 0)
      refused();
    PQsetNoticeProcessor(
        c_.get(), [](void*, const char*) {}, nullptr);
  }

  [[noreturn]] void refused() {
    throw outage("", "cannot connect to " + without_password(url_) + ": " + first_line(PQerrorMessage(c_.get())));
  }

  std::string statement_timeout() const {
    return "SET statement_timeout = " + std::to_string(waits_.statement.count());
  }

  void set_up(mode how) {
    std::string sql =
        statement_timeout() + "; SET idle_in_transaction_session_timeout = 60000; SET synchronous_commit = on";
    if (how == mode::reads)
      sql += "; SET default_transaction_read_only = on";
    simple("", sql, waits_.connect + network_grace);
  }

  PGconn* alive(std::string_view name) {
    if (!c_ || PQstatus(c_.get()) != CONNECTION_OK)
      throw outage(name, "the connection to the database is lost");
    return c_.get();
  }
  [[noreturn]] void lost(std::string_view name) {
    const std::string why = c_ ? first_line(PQerrorMessage(c_.get())) : std::string();
    c_.reset();
    throw outage(name, "the connection to the database is lost: " + why);
  }

  void prepare(const query& what) {
    alive(what.name);
    if (prepared_.contains(what.name))
      return;
    start(what.name, PQsendPrepare(c_.get(), std::string(what.name).c_str(), what.text, 0, nullptr));
    finish(what.name, waits_.statement + network_grace);
    prepared_.insert(what.name);
  }

  result simple(std::string_view name, const std::string& sql, milliseconds patience) {
    alive(name);
    start(name, PQsendQuery(c_.get(), sql.c_str()));
    return finish(name, patience);
  }

  void start(std::string_view name, int sent) {
    if (sent == 1) {
      drain_wake();
      return;
    }
    if (PQstatus(c_.get()) != CONNECTION_OK)
      lost(name);
    throw error(name, first_line(PQerrorMessage(c_.get())));
  }

  // Sends what is queued and reads until the answer is whole. The last result is the one that counts.
  result finish(std::string_view name, milliseconds patience) {
    auto deadline = clock::now() + patience;
    bool cancelled = false;
    result last;
    result failed;
    for (;;) {
      const int unsent = PQflush(c_.get());
      if (unsent < 0)
        lost(name);
      if (unsent == 0 && PQisBusy(c_.get()) == 0) {
        result next(PQgetResult(c_.get()));
        if (!next)
          break;
        const auto status = PQresultStatus(next.get());
        (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE ? failed : last) = std::move(next);
        continue;
      }
      const short events = static_cast<short>(unsent == 1 ? POLLIN | POLLOUT : POLLIN);
      const waited w = wait(events, deadline, !cancelled);
      if (w == waited::late) {
        c_.reset();
        throw outage(name, "the database did not answer");
      }
      if (w == waited::woken) {
        cancelled = true;
        cancel();
        deadline = std::min(deadline, clock::now() + network_grace);
        continue;
      }
      if (PQconsumeInput(c_.get()) != 1)
        lost(name);
    }
    if (failed)
      fail(name, failed.get());
    if (PQstatus(c_.get()) != CONNECTION_OK)
      lost(name);
    return last;
  }

  // Asks the server to stop, on a connection of its own, bounded by tcp_user_timeout. Whether it does is seen in the answer.
  void cancel() {
    const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> request(PQgetCancel(c_.get()), &PQfreeCancel);
    char why[256];
    if (request)
      PQcancel(request.get(), why, sizeof why);
  }

  [[noreturn]] void fail(std::string_view name, const PGresult* r) {
    const char* field = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const std::string_view state = field ? field : "";
    const std::string what = first_line(PQresultErrorMessage(r));
    // 57P01…57P03: the server is going down or coming up; class 08: the connection itself; no state: libpq lost it.
    if (state.empty() || state.starts_with("57P") || state.starts_with("08") || PQstatus(c_.get()) != CONNECTION_OK) {
      c_.reset();
      throw outage(name, what);
    }
    if (state.starts_with("23"))
      throw constraint_violation(name, what);
    if (state == "40001" || state == "40P01" || state == "55P03")
      throw retry(name, what);
    if (state == "57014") {
      if (what.find("statement timeout") != std::string::npos)
        throw timeout(name, "took longer than " + std::to_string(waits_.statement.count()) + " ms");
      throw interrupted(name, "interrupted");
    }
    if (state == "53100" || state == "25006") // disk full; a standby, or a server that was told not to write
      throw unwritable(name, what);
    if (state == "53300")
      throw outage(name, what); // too many connections
    throw error(name, what);
  }

  std::string url_;
  limits waits_;
  int wake_ = -1;
  std::unique_ptr<PGconn, close_connection> c_;
  std::unordered_set<std::string_view> prepared_; // query names, which are literals
};

} // namespace

std::unique_ptr<db> open_postgres(const std::string& url, mode how, const limits& waits) {
  return std::make_unique<postgres_db>(url, how, waits);
}

} // namespace lyceum::storage
