using Shouldly;
using Sync.ChaosTests.Faults;
using Sync.ChaosTests.Schedule;
using Xunit;

namespace Sync.ChaosTests;

/// <summary>A whole system of real processes under load keeps its invariants whatever is done to it.</summary>
public sealed class ChaosTests(ChaosSelection selection) : IClassFixture<ChaosSelection>
{
    public static TheoryData<string> Singles { get; } = [.. ChaosSelection.Singles.Select(round => round.Faults[0].Fault.Name)];

    public static TheoryData<int> Swarms { get; } = [.. Enumerable.Range(1, ChaosSelection.Swarms.Count)];

    [Theory]
    [MemberData(nameof(Singles))]
    public void Invariants_hold_and_replicas_converge_after(string fault) => selection.RoundShouldHold(
        ChaosSelection.Singles.Single(round => round.Faults[0].Fault.Name == fault).Number);

    [Theory]
    [MemberData(nameof(Swarms))]
    public void Invariants_hold_and_replicas_converge_after_faults_that_overlap(int swarm) =>
        selection.RoundShouldHold(ChaosSelection.Swarms[swarm - 1].Number);

    [Fact]
    public void When_all_is_quiet_replicas_equal_the_ledger_and_every_acknowledged_write_is_in_it() => selection.EndShouldHold();

    [Theory]
    [InlineData("unknown outcome")]
    [InlineData("unknown, then committed")]
    [InlineData("take-over")]
    [InlineData("gap")]
    [InlineData("skew by major")]
    [InlineData("parse error")]
    [InlineData("answered by a first receipt")]
    [InlineData("other value under a used key refused")]
    public void What_the_faults_are_for_did_happen(string counter) => selection.EndShouldHold()[counter].ShouldBeGreaterThan(0);

    [Fact]
    public void Every_moment_that_a_fault_waits_for_came()
    {
        selection.EndShouldHold();
        selection.MissedMoments().ShouldBeEmpty();
    }
}
