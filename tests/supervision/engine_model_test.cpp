// SPDX-License-Identifier: Apache-2.0
// The engine beside the naive model of engine_model.hpp, over random steps of RapidCheck's state machine.
//
//   LYCEUM_PROPERTY_STEPS=100000   that many steps instead of 1,500 (a thousand take about a second)
//   RC_PARAMS="seed=…"             what failed, again; each run prints its seed
#include "engine_model.hpp"
#include "supervision/engine.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <set>

namespace {

using namespace lyceum::supervision;
using naive::ending;
using naive::manners;
using naive::start_result;

std::size_t steps_done = 0;

/// The engine with children that do as the script says. Between two steps it is never busy: the clock runs while it waits.
struct subject {
  sup_flags flags;
  std::vector<child_spec> first;
  std::unique_ptr<engine> sup;
  time_point now{};
  std::map<std::string, start_result> script;
  std::map<std::string, manners> way;
  std::map<std::string, child_handle> living; ///< by id; dynamic children by "#1", "#2" …, as they were made
  std::map<child_handle, std::string> names;
  std::map<child_handle, child_spec> specs;
  std::map<call_id, call_result> replies;
  std::map<std::string, child_spec> known;
  call_id calls = 0;
  int serials = 0;
  bool over = false;
  std::string why, log;

  bool simple() const { return flags.strategy == strategy::simple_one_for_one; }
  manners way_of(child_handle h) const {
    const auto it = way.find(names.at(h));
    const auto spec = simple() ? first.front() : known.at(names.at(h));
    return it == way.end() || std::holds_alternative<infinity>(spec.shutdown_or_default()) ? manners::obeys
                                                                                           : it->second;
  }

  void begin() {
    over = false;
    why.clear();
    living.clear();
    names.clear();
    known.clear();
    for (const auto& s : first)
      known[s.id] = s;
    sup = std::make_unique<engine>(flags, first, 1);
    sup->start(now);
    settle();
  }
  void settle() {
    for (;;) {
      for (auto todo = sup->take(); !todo.empty(); todo = sup->take())
        for (auto& e : todo)
          perform(e);
      if (!sup->busy() || sup->over())
        return;
      const auto next = sup->next_deadline();
      RC_ASSERT(next.has_value()); // it waits for somebody, and for no longer than this
      now = std::max(now, *next);
      sup->tick(now);
    }
  }
  void perform(effect& e) {
    switch (e.what) {
    case effect::kind::start: {
      std::string id = e.id;
      if (simple()) {
        id = e.previous ? names.at(e.previous) : "#" + std::to_string(++serials);
        if (!e.previous)
          script[id] = script.contains("#") ? script["#"] : start_result::ok;
      }
      RC_ASSERT(!living.contains(id)); // never two lives of one child
      names[e.child] = id;
      switch (script.contains(id) ? script[id] : start_result::ok) {
      case start_result::ok:
        living[id] = e.child;
        log += "+" + id + " ";
        return sup->started(e.child, now);
      case start_result::ignore:
        log += "~" + id + " ";
        return sup->ignored(e.child, now);
      case start_result::fail:
        log += "!" + id + " ";
        return sup->failed(e.child, "no luck", now);
      case start_result::hang:
        living[id] = e.child;
        return;
      }
      return;
    }
    case effect::kind::ask:
      if (way_of(e.child) == manners::obeys)
        end(e.child, exit_reason::kind::shutdown);
      return;
    case effect::kind::kill:
      log += "kill " + names.at(e.child) + " ";
      if (way_of(e.child) != manners::stuck)
        end(e.child, exit_reason::kind::killed);
      return;
    case effect::kind::abandon:
      log += "abandon " + names.at(e.child) + " ";
      living.erase(names.at(e.child));
      return;
    case effect::kind::reply:
      RC_ASSERT(!replies.contains(e.call)); // one answer a call
      replies[e.call] = e.result;
      return;
    case effect::kind::ended:
      over = true;
      why = to_string(e.reason);
      return;
    default:
      return;
    }
  }
  void end(child_handle h, exit_reason::kind how) {
    RC_ASSERT(living.erase(names.at(h)) == 1U);
    log += "-" + names.at(h) + " ";
    sup->down(h, {how, {}, false}, now);
  }
  void pass(milliseconds time) {
    const auto until = now + time;
    while (!sup->over()) {
      const auto next = sup->next_deadline();
      if (!next || *next > until)
        break;
      now = std::max(now, *next);
      sup->tick(now);
      settle();
    }
    now = std::max(now, until);
  }
  std::string ask(call what) {
    const auto id = ++calls;
    sup->ask(id, std::move(what), now);
    settle();
    RC_ASSERT(replies.contains(id));
    const auto& r = replies[id];
    if (r.error == errc::none)
      return "ok";
    return std::string(name_of(r.error)) + (r.error == errc::start_error ? "(" + r.detail + ")" : "");
  }
  call_result ask_plainly(call::op what) {
    call c;
    c.what = what;
    const auto id = ++calls;
    sup->ask(id, c, now);
    settle();
    return replies.at(id);
  }
  bool knows(const std::string& id) {
    const auto all = ask_plainly(call::op::which_children).children;
    return std::ranges::any_of(all, [&](const child_info& c) { return c.id == id; });
  }
  std::string which() {
    std::string all;
    for (const auto& c : ask_plainly(call::op::which_children).children)
      all += (simple() ? std::string("x") : c.id) + (c.handle                            ? " "
                                                     : c.state == slot_state::restarting ? ":restarting "
                                                                                         : ":undefined ");
    return all;
  }
};

using command = rc::state::Command<naive::supervisor, subject>;

/// Does the same to both, then compares all that can be seen.
struct step : command {
  void apply(naive::supervisor& model) const override {
    model.log.clear();
    model.answer.clear();
    in(model);
  }
  void run(const naive::supervisor& before, subject& sut) const override {
    ++steps_done;
    const auto after = this->nextState(before);
    sut.log.clear();
    const auto answer = in(sut);
    RC_ASSERT(sut.log == after.log);
    RC_ASSERT(sut.over == after.over);
    RC_ASSERT(sut.why == after.why);
    RC_ASSERT(sut.now == time_point{} + after.now);
    if (!after.answer.empty() && !after.over)
      RC_ASSERT(answer == after.answer);
    if (after.over) {
      RC_ASSERT(sut.living.empty()); // nobody is left behind
      RC_ASSERT(sut.sup->live() == 0U);
      RC_ASSERT(sut.sup->next_deadline() == std::nullopt);
      RC_ASSERT(sut.ask_plainly(call::op::which_children).error == errc::noproc);
      return;
    }
    RC_ASSERT(sut.which() == after.which());
    RC_ASSERT(sut.ask_plainly(call::op::count_children).counts == after.counts());
    RC_ASSERT(sut.living.size() == after.counts().active);
  }

protected:
  virtual void in(naive::supervisor& model) const = 0;
  virtual std::string in(subject& sut) const = 0;
};

std::string some_id() {
  return std::string(1, *rc::gen::inRange('a', 'g'));
}
std::string known_id(const naive::supervisor& s) {
  if (s.children.empty() || *rc::gen::inRange(0, 8) == 0)
    return s.simple() ? "#0" : some_id();
  return s.children[*rc::gen::inRange<std::size_t>(0, s.children.size())].spec.id;
}

struct exits : step {
  std::string id;
  ending how;
  explicit exits(const naive::supervisor& s)
      : id(known_id(s)), how(*rc::gen::weightedElement<ending>(
                             {{2, ending::normal}, {2, ending::shutdown}, {4, ending::crash}, {1, ending::killed}})) {}
  void checkPreconditions(const naive::supervisor& s) const override {
    RC_PRE(!s.over);
    RC_PRE(std::ranges::any_of(
        s.children, [&](const naive::one& c) { return c.spec.id == id && c.state == naive::one::at::running; }));
  }
  void in(naive::supervisor& m) const override { m.exits(id, how); }
  std::string in(subject& s) const override {
    s.end(s.living.at(id), how == ending::normal     ? exit_reason::kind::normal
                           : how == ending::shutdown ? exit_reason::kind::shutdown
                           : how == ending::crash    ? exit_reason::kind::crash
                                                     : exit_reason::kind::killed);
    s.settle();
    return {};
  }
  void show(std::ostream& os) const override { os << "exits " << id << " " << static_cast<int>(how); }
};

struct scripts : step {
  std::string id;
  start_result how;
  explicit scripts(const naive::supervisor& s)
      : id(s.simple() && *rc::gen::inRange(0, 2) ? "#" : known_id(s)),
        how(*rc::gen::weightedElement<start_result>(
            {{8, start_result::ok}, {1, start_result::ignore}, {3, start_result::fail}, {1, start_result::hang}})) {}
  // Two that hang wait for each other's timeouts for ever, each attempt longer than the pause of the other: the engine lets calls
  // come between, but a step of this test would not end.
  void checkPreconditions(const naive::supervisor& s) const override {
    RC_PRE(how != start_result::hang || (id != "#" && std::ranges::none_of(s.script, [&](const auto& other) {
                                           return other.first != id && other.second == start_result::hang;
                                         })));
  }
  void in(naive::supervisor& m) const override { m.script[id] = how; }
  std::string in(subject& s) const override {
    s.script[id] = how;
    return {};
  }
  void show(std::ostream& os) const override { os << "script " << id << " " << static_cast<int>(how); }
};

/// Dynamic children obey here: one that does not is stopped beside the others, which the naive model has no words for.
struct behaves : step {
  std::string id;
  manners how;
  explicit behaves(const naive::supervisor& s)
      : id(known_id(s)),
        how(*rc::gen::weightedElement<manners>({{4, manners::obeys}, {2, manners::deaf}, {1, manners::stuck}})) {}
  void checkPreconditions(const naive::supervisor& s) const override { RC_PRE(!s.simple()); }
  void in(naive::supervisor& m) const override { m.way[id] = how; }
  std::string in(subject& s) const override {
    s.way[id] = how;
    return {};
  }
  void show(std::ostream& os) const override { os << "behaves " << id << " " << static_cast<int>(how); }
};

struct passes : step {
  milliseconds time;
  explicit passes(const naive::supervisor&)
      : time(*rc::gen::weightedOneOf<int>(
            {{3, rc::gen::inRange(0, 30)}, {2, rc::gen::inRange(30, 1500)}, {1, rc::gen::inRange(1500, 60000)}})) {}
  void in(naive::supervisor& m) const override { m.pass(time); }
  std::string in(subject& s) const override {
    s.pass(time);
    return {};
  }
  void show(std::ostream& os) const override { os << "pass " << time.count(); }
};

child_spec random_spec(std::string id) {
  child_spec s;
  s.id = std::move(id);
  s.restart = *rc::gen::element(restart_type::permanent, restart_type::transient, restart_type::temporary);
  s.type = *rc::gen::weightedElement<child_type>({{4, child_type::worker}, {1, child_type::supervisor}});
  s.shutdown = *rc::gen::element<std::optional<shutdown_type>>(
      std::nullopt, shutdown_type{brutal_kill{}}, shutdown_type{infinity{}}, shutdown_type{milliseconds{40}},
      shutdown_type{milliseconds{0}});
  return s;
}

struct adds : step {
  child_spec spec;
  explicit adds(const naive::supervisor& s) : spec(random_spec(some_id())) {
    spec.significant = *rc::gen::inRange(0, 4) == 0;
    if (*rc::gen::inRange(0, 20) == 0)
      spec.shutdown = milliseconds{-1};
    if (s.simple())
      spec = {};
  }
  void checkPreconditions(const naive::supervisor& s) const override { RC_PRE(!s.over); }
  void in(naive::supervisor& m) const override { m.start_child(spec); }
  std::string in(subject& s) const override {
    if (!s.simple() && !s.knows(spec.id))
      s.known[spec.id] = spec;
    call c;
    c.what = call::op::start_child;
    c.spec = spec;
    return s.ask(std::move(c));
  }
  void show(std::ostream& os) const override {
    os << "start_child " << spec.id << " " << name_of(spec.restart) << (spec.significant ? " significant" : "");
  }
};

template <call::op What>
struct calls : step {
  std::string id;
  bool as_crash;
  explicit calls(const naive::supervisor& s) : id(known_id(s)), as_crash(*rc::gen::inRange(0, 2) == 0) {}
  void checkPreconditions(const naive::supervisor& s) const override {
    RC_PRE(!s.over);
    if (s.simple()) // by handle, of one that lives; names are refused, which a test of its own shows
      RC_PRE(What == call::op::terminate_child && std::ranges::any_of(s.children, [&](const naive::one& c) {
               return c.spec.id == id && c.state == naive::one::at::running;
             }));
  }
  void in(naive::supervisor& m) const override {
    switch (What) {
    case call::op::terminate_child:
      return m.terminate_child(id);
    case call::op::restart_child:
      return m.restart_child(id);
    case call::op::delete_child:
      return m.delete_child(id);
    case call::op::kill:
      return m.kill(id, as_crash);
    default: // restart: an operator's
      if (!m.find(id))
        return m.answered("not_found");
      m.restart(id, false);
      return m.answered("");
    }
  }
  std::string in(subject& s) const override {
    call c;
    c.what = What;
    c.id = id;
    c.as_crash = as_crash;
    if (s.simple())
      c.handle = s.living.at(id);
    return s.ask(std::move(c));
  }
  void show(std::ostream& os) const override {
    os << (What == call::op::terminate_child ? "terminate "
           : What == call::op::restart_child ? "restart_child "
           : What == call::op::delete_child  ? "delete "
           : What == call::op::kill          ? "kill "
                                             : "restart ")
       << id << (as_crash ? " as a crash" : "");
  }
};

struct shuts_down : step {
  explicit shuts_down(const naive::supervisor&) {}
  void checkPreconditions(const naive::supervisor& s) const override { RC_PRE(!s.over); }
  void in(naive::supervisor& m) const override { m.shut_down(); }
  std::string in(subject& s) const override {
    s.sup->shutdown({exit_reason::kind::shutdown, {}, false}, s.now);
    s.settle();
    return {};
  }
  void show(std::ostream& os) const override { os << "shutdown"; }
};

/// What a parent does with one that has ended.
struct begins_again : step {
  explicit begins_again(const naive::supervisor&) {}
  void checkPreconditions(const naive::supervisor& s) const override { RC_PRE(s.over); }
  void in(naive::supervisor& m) const override { m.begin(); }
  std::string in(subject& s) const override {
    s.begin();
    return {};
  }
  void show(std::ostream& os) const override { os << "begin again"; }
};

template <class What>
rc::Gen<std::shared_ptr<const command>> making(const naive::supervisor& s) {
  return rc::gen::exec([s]() -> std::shared_ptr<const command> { return std::make_shared<What>(s); });
}

rc::Gen<std::shared_ptr<const command>> next_command(const naive::supervisor& s) {
  using op = call::op;
  if (s.over)
    return rc::gen::weightedOneOf<std::shared_ptr<const command>>(
        {{4, making<begins_again>(s)}, {1, making<scripts>(s)}, {1, making<passes>(s)}});
  if (s.simple())
    return rc::gen::weightedOneOf<std::shared_ptr<const command>>({{6, making<exits>(s)},
                                                                   {8, making<adds>(s)},
                                                                   {3, making<scripts>(s)},
                                                                   {4, making<passes>(s)},
                                                                   {3, making<calls<op::terminate_child>>(s)},
                                                                   {1, making<shuts_down>(s)}});
  return rc::gen::weightedOneOf<std::shared_ptr<const command>>({{12, making<exits>(s)},
                                                                 {6, making<adds>(s)},
                                                                 {6, making<scripts>(s)},
                                                                 {3, making<behaves>(s)},
                                                                 {6, making<passes>(s)},
                                                                 {3, making<calls<op::terminate_child>>(s)},
                                                                 {3, making<calls<op::restart_child>>(s)},
                                                                 {2, making<calls<op::delete_child>>(s)},
                                                                 {3, making<calls<op::kill>>(s)},
                                                                 {3, making<calls<op::restart>>(s)},
                                                                 {1, making<shuts_down>(s)}});
}

void the_engine_does_as_the_naive_model() {
  naive::supervisor model;
  model.flags.strategy = *rc::gen::element(strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one,
                                           strategy::simple_one_for_one);
  model.flags.intensity = *rc::gen::inRange(0, 6);
  model.flags.period = milliseconds{*rc::gen::element(1, 20, 500, 5000, 60000)};
  if (model.simple()) {
    model.first.push_back(random_spec("x"));
    model.first.front().shutdown.reset();
    model.first.front().type = child_type::worker;
    if (*rc::gen::inRange(0, 2))
      model.flags.max_children = *rc::gen::inRange<std::size_t>(1, 5);
  } else {
    model.flags.auto_shutdown =
        *rc::gen::element(auto_shutdown::never, auto_shutdown::any_significant, auto_shutdown::all_significant);
    const auto n = *rc::gen::inRange(0, 6);
    for (char id = 'a'; id < 'a' + n; ++id) {
      auto spec = random_spec(std::string(1, id));
      spec.significant = model.flags.auto_shutdown != auto_shutdown::never && spec.restart != restart_type::permanent &&
                         *rc::gen::inRange(0, 2);
      model.first.push_back(std::move(spec));
    }
  }
  RC_LOG() << name_of(model.flags.strategy) << " " << model.flags.intensity << " in " << model.flags.period.count()
           << " ms, auto_shutdown " << static_cast<int>(model.flags.auto_shutdown) << "\n";
  for (const auto& c : model.first)
    RC_LOG() << "  " << c.id << " " << name_of(c.restart) << (c.significant ? " significant" : "") << " shutdown "
             << (c.shutdown ? static_cast<int>(c.shutdown->index()) : -1) << "\n";
  subject sut;
  sut.flags = model.flags;
  sut.first = model.first;
  sut.begin();
  model.begin();
  model.log.clear();
  rc::state::check(model, sut, next_command);
}

TEST(engine_model, the_engine_does_as_the_naive_model) {
  const char* asked = std::getenv("LYCEUM_PROPERTY_STEPS");
  const std::size_t wanted = asked ? std::strtoul(asked, nullptr, 10) : 1500;
  auto params = rc::detail::configuration().testParams;
  params.maxSize = 200;   // a run of up to two hundred steps
  params.maxSuccess = 40; // runs a seed, about 1,500 steps
  const rc::detail::TestMetadata what{"engine_model", "the engine does as the naive model"};
  for (steps_done = 0; steps_done < wanted; ++params.seed) {
    std::cout << "seed=" << params.seed << " from step " << steps_done << std::endl;
    const auto result = rc::detail::checkTestable(the_engine_does_as_the_naive_model, what, params);
    if (!result.is<rc::detail::SuccessResult>()) {
      std::ostringstream told;
      rc::detail::printResultMessage(result, told);
      FAIL() << told.str() << "\nRC_PARAMS=\"seed=" << params.seed << "\" repeats it";
    }
  }
  std::cout << steps_done << " steps" << std::endl;
}

} // namespace
