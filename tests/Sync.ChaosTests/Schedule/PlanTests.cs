using Shouldly;
using Sync.ChaosTests.Faults;
using Xunit;

namespace Sync.ChaosTests.Schedule;

public sealed class PlanTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(3);

    [Fact]
    public void The_same_seed_gives_the_same_plan_and_another_one_another()
    {
        Names(Plan.Swarms(7, Catalogue.All, Long)).ShouldBe(Names(Plan.Swarms(7, Catalogue.All, Long)));
        Names(Plan.Swarms(7, Catalogue.All, Long)).ShouldNotBe(Names(Plan.Swarms(8, Catalogue.All, Long)));
        Names(Plan.Singles(7, Catalogue.Singles, Long)).ShouldBe(Names(Plan.Singles(7, Catalogue.Singles, Long)));
    }

    [Fact]
    public void Every_single_fault_comes_once_when_there_is_time() =>
        Names(Plan.Singles(3, Catalogue.Singles, Long)).Select(name => name[(name.IndexOf(':', StringComparison.Ordinal) + 2)..])
            .Order(StringComparer.Ordinal).ShouldBe(Catalogue.Singles.Select(fault => fault.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_fault_comes_in_some_swarm() =>
        Plan.Swarms(3, Catalogue.All, Long).SelectMany(round => round.Faults).Select(planned => planned.Fault).Distinct()
            .Count().ShouldBe(Catalogue.All.Count);

    [Fact]
    public void Faults_that_never_go_together_make_no_swarm() =>
        Plan.Swarms(3, [.. Catalogue.All.Where(fault => fault.Target == "postgres")], Long).ShouldBeEmpty();

    [Theory]
    [InlineData("deadlock postgres", "AB", true)]
    [InlineData("deploy services", "AB", true)]
    public void A_fault_is_listed_and_planned_in_its_phases(string name, string phases, bool isTelling)
    {
        var fault = Catalogue.All.Single(fault => fault.Name == name);
        Round[] rounds = [.. Plan.Singles(7, Catalogue.Singles, Long), .. Plan.Swarms(7, Catalogue.All, Long)];
        var planned = rounds.Where(round => round.Faults.Any(planned => planned.Fault == fault));
        string.Concat(planned.Select(round => round.Phase).Distinct()).ShouldBe(phases);
        var listed = RunCommand.List().Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        listed.Replace(" ", "", StringComparison.Ordinal).ShouldContain(phases);
        listed.Contains("in every test run", StringComparison.Ordinal).ShouldBe(isTelling);
    }

    [Fact]
    public void A_swarm_has_two_to_four_faults_that_lay_hands_on_different_things()
    {
        foreach (var round in Plan.Swarms(5, Catalogue.All, Long))
        {
            round.Faults.Count.ShouldBeInRange(2, 4);
            foreach (var one in round.Faults)
                foreach (var other in round.Faults)
                    (one == other || one.Fault.GoesWith(other.Fault)).ShouldBeTrue(round.ToString());
        }
    }

    [Fact]
    public void Rounds_fit_into_their_time_and_are_numbered_on()
    {
        var rounds = Plan.Swarms(5, Catalogue.All, TimeSpan.FromMinutes(1), firstNumber: 9);
        rounds.Sum(round => round.Faults.Max(planned => (planned.After + planned.Hold).TotalSeconds)).ShouldBeLessThan(60);
        rounds.Select(round => round.Number).ShouldBe(Enumerable.Range(9, rounds.Count));
    }

    [Fact]
    public void Names_of_faults_are_unique_and_the_short_selection_needs_nothing_of_the_machine()
    {
        Catalogue.All.Select(fault => fault.Name).Distinct(StringComparer.Ordinal).Count().ShouldBe(Catalogue.All.Count);
        Catalogue.Telling.ShouldAllBe(fault => fault.Needs == Needs.None && fault.IsSingle);
        Catalogue.Telling.Count.ShouldBeGreaterThan(9);
    }

    [Fact]
    public void Faults_of_the_network_alone_have_less_time_to_converge()
    {
        Round Of(params string[] names) => new(
            1, 'B', [.. names.Select(name => new Planned(Catalogue.All.Single(fault => fault.Name == name), default, default))]);
        Of("reset writer-1-broker", "drop-beats replica-2-broker").ConvergeWithin.ShouldBe(TimeSpan.FromSeconds(3));
        Of("reset writer-1-broker", "kill insight").ConvergeWithin.ShouldBe(TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData("--minutes", "1")]
    [InlineData("--minutes", "x")]
    [InlineData("--seed", "-1")]
    [InlineData("--phase", "E")]
    [InlineData("--phase", "")]
    [InlineData("--fault")]
    [InlineData("--without")]
    [InlineData("--sead", "1")]
    public void A_wrong_option_is_refused_with_what_would_be_right(params string[] arguments) =>
        Should.Throw<FormatException>(() => RunOptions.Parse(arguments, 1)).Message.ShouldContain(arguments[0]);

    [Fact]
    public void Options_are_read()
    {
        var options = RunOptions.Parse(["--minutes", "4", "--seed", "9", "--phase", "AC", "--fault", "kill", "--logs", "/l"], 1);
        (options.Time, options.Seed, options.Phases, options.Fault, options.Logs).ShouldBe((TimeSpan.FromMinutes(4), 9, "AC", "kill", "/l"));
        RunOptions.Parse(["--without", "clock"], 1).Without.ShouldBe("clock");
        RunOptions.Parse([], 77).Seed.ShouldBe(77);
    }

    private static string[] Names(IEnumerable<Round> rounds) => [.. rounds.Select(round => round.ToString())];
}
