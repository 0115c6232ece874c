using Shouldly;
using Sync.ChaosTests.Check;
using Sync.Contracts;
using Sync.Replication;
using Xunit;

namespace Sync.ChaosTests.CheckTests;

public sealed class ConvergenceTests
{
    private readonly PlayedRun _run = new();

    public ConvergenceTests() => _run.Line("replica-0", "open");

    [Fact]
    public void Readers_that_hold_the_heads_before_the_faults_end_took_no_time()
    {
        _run.Write(PlayedRun.Key(0));
        var reached = _run.Converge(_run.Time);
        (reached.IsReached, reached.Longest.Time).ShouldBe((true, TimeSpan.Zero));
    }

    [Fact]
    public void The_time_is_that_of_the_last_key_of_the_last_reader()
    {
        var write = Behind(PlayedRun.Key(0));
        _run.Hold(write, "key");
        var ready = _run.Time;
        _run.Converge(ready).IsReached.ShouldBeFalse();
        _run.Pass(TimeSpan.FromSeconds(6));
        _run.Hold(write, "list");
        var reached = _run.Converge(ready);
        reached.IsReached.ShouldBeTrue();
        reached.Longest.Time.ShouldBe(TimeSpan.FromSeconds(6.001));
        reached.Longest.Who.ShouldContain("list");
    }

    [Fact]
    public void A_lost_tail_is_found_by_key_and_reader()
    {
        _run.Write(PlayedRun.Key(0));
        var lost = Behind(PlayedRun.Key(0));
        var findings = new FindingList();
        _run.Converge(_run.Time).AddMissing(findings);
        var finding = findings.ToFindings().ShouldHaveSingleItem();
        finding.Invariant.ShouldBe("R6");
        finding.Facts.Count.ShouldBe(2);
        finding.Facts.ShouldAllBe(fact => fact.Contains(lost.Key.Key, StringComparison.Ordinal));
    }

    [Fact]
    public void A_reader_that_is_cut_off_on_purpose_need_not_converge()
    {
        Behind(PlayedRun.Key(0));
        _run.Converge(_run.Time, "replica-0").IsReached.ShouldBeTrue();
    }

    [Fact]
    public void A_later_value_counts_as_converged()
    {
        Behind(PlayedRun.Key(0));
        var ready = _run.Time;
        _run.Write(PlayedRun.Key(0));
        _run.Converge(ready).IsReached.ShouldBeTrue();
    }

    [Fact]
    public void A_wanted_value_overtaken_by_one_that_fails_a_gate_need_not_show()
    {
        _run.Write(PlayedRun.Key(0));
        Behind(PlayedRun.Key(0));
        var ready = _run.Time;
        _run.Write(PlayedRun.Key(0), passes: false);
        _run.Converge(ready).IsReached.ShouldBeTrue();
    }

    [Fact]
    public void An_old_reader_that_does_not_say_that_it_refused_a_new_major_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        var next = Behind(PlayedRun.Key(0), major: 2);
        string[] readers = [.. Silent().Facts.Select(fact => fact.Split(':')[0])];
        readers.ShouldBe(["replica-0 key", "replica-0 list"]);
        _run.Stand(next.Key, ReplicaStatus.Skew);
        Silent().Facts.ShouldHaveSingleItem().ShouldContain("list");
        _run.Refuse(next);
        _run.Converge(_run.Time).IsReached.ShouldBeTrue();
        _run.Stand(next.Key, ReplicaStatus.Ok);
        Silent().Facts.ShouldHaveSingleItem().ShouldContain("key");

        Finding Silent()
        {
            var findings = new FindingList();
            _run.Converge(_run.Time).AddMissing(findings);
            var finding = findings.ToFindings().ShouldHaveSingleItem();
            finding.What.ShouldStartWith("a reader did not say that it refused what it does not show");
            return finding;
        }
    }

    [Fact]
    public void A_refusal_of_an_older_value_says_nothing_of_the_newest()
    {
        _run.Write(PlayedRun.Key(0), major: 2);
        Behind(PlayedRun.Key(0), major: 2);
        _run.Converge(_run.Time).IsReached.ShouldBeFalse();
    }

    [Fact]
    public void A_new_reader_must_come_to_heads_of_the_new_major()
    {
        _run.Line("replica-1", "open", "\"major\":2");
        var next = _run.Write(PlayedRun.Key(0), major: 2);
        _run.Refuse(next, "replica-1");
        var findings = new FindingList();
        _run.Converge(_run.Time).AddMissing(findings);
        findings.ToFindings().ShouldHaveSingleItem().Facts.ShouldAllBe(
            fact => fact.StartsWith("replica-1", StringComparison.Ordinal));
        _run.Hold(next, file: "replica-1");
        _run.Converge(_run.Time).IsReached.ShouldBeTrue();
    }

    [Fact]
    public void A_delete_shows_as_absence_in_a_list_and_as_a_sequence_in_a_replica()
    {
        _run.Write(PlayedRun.Key(0));
        var gone = _run.Next(PlayedRun.Key(0), ChangeOp.Delete);
        _run.Store(gone);
        _run.Acknowledge(gone, _run.Invoke(gone));
        _run.Converge(_run.Time).IsReached.ShouldBeFalse();
        _run.Hold(gone);
        _run.Converge(_run.Time).IsReached.ShouldBeTrue();
    }

    [Fact]
    public void A_host_that_lacks_a_head_is_behind_until_it_has_it()
    {
        var write = _run.Write(PlayedRun.Key(0));
        var host = new Uri("http://127.0.0.1:1");
        Host(0).IsReached.ShouldBeFalse();
        Host(1).IsReached.ShouldBeTrue();

        Convergence Host(long sequence)
        {
            var convergence = new Convergence(
                _run.Logs.Writes.AcknowledgedBefore(_run.Time, PlayedRun.History), _run.Facts, _run.Time);
            convergence.Look(host, new Dictionary<SyncedKey, long> { [write.Key] = sequence }, _run.Time);
            return convergence;
        }
    }

    [Fact]
    public void A_claim_to_be_current_that_is_not_true_is_found()
    {
        var write = _run.Write(PlayedRun.Key(0));
        Claim(write);
        var missed = Behind(PlayedRun.Key(0));
        Claim(missed);
        var finding = Claims().ShouldHaveSingleItem();
        finding.What.ShouldBe("a replica claimed to be current and was not");
        finding.Facts.ShouldHaveSingleItem().ShouldContain(missed.IdempotencyKey!);
    }

    [Fact]
    public void A_claim_holds_with_a_refused_or_deleted_head_too()
    {
        _run.Write(PlayedRun.Key(0));
        Claim(_run.Write(PlayedRun.Key(0), passes: false));
        Claim(_run.Write(PlayedRun.Key(1)));
        Claim(_run.Write(PlayedRun.Key(1), ChangeOp.Delete));
        Claims().ShouldBeEmpty();
    }

    [Fact]
    public void A_claim_is_of_the_life_of_the_process_that_made_it()
    {
        Claim(_run.Write(PlayedRun.Key(0)));
        _run.Line("replica-0", "start");
        _run.Line("replica-0", "open");
        Claims().ShouldBeEmpty();
        Claim(_run.Write(PlayedRun.Key(1)));
        Claims().ShouldHaveSingleItem().What.ShouldBe("a replica claimed to be current and was not");
    }

    [Fact]
    public void What_never_occurred_in_a_long_run_is_named()
    {
        var counters = new Dictionary<string, long>(StringComparer.Ordinal) { ["lost by a restore"] = 1 };
        string[] missing = [.. Coverage.Missing(counters, isRestored: true)];
        missing.ShouldHaveSingleItem().ShouldBe("changefeeds told of another history");
        missing = [.. Coverage.Missing(counters, isRestored: false)];
        missing.Contains("take-over", StringComparer.Ordinal).ShouldBeTrue();
    }

    private void Claim(FactRow fact) =>
        _run.Line("replica-0", "fresh", $"\"feed\":{fact.Feed},\"pos\":{fact.Position},\"hist\":{PlayedRun.History}");

    private IReadOnlyList<Finding> Claims()
    {
        var findings = new FindingList();
        _run.Logs.Held.Claims.Check(_run.Facts, _run.Logs.Held, findings);
        return findings.ToFindings();
    }

    // Acknowledged and stored, but no reader holds it.
    private FactRow Behind(SyncedKey key, long major = 1)
    {
        var write = _run.Next(key, major: major);
        _run.Store(write);
        _run.Acknowledge(write, _run.Invoke(write));
        return write;
    }
}
