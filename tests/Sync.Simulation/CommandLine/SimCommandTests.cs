using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Sync.Simulation.CommandLine;

/// <summary>The command line of the simulation, as a person uses it.</summary>
public sealed partial class SimCommandTests
{
    private readonly StringWriter _output = new(CultureInfo.InvariantCulture);
    private readonly StringWriter _errors = new(CultureInfo.InvariantCulture);

    [Fact]
    public void Histories_that_hold_end_with_nought_and_say_what_they_reached()
    {
        Run("--world", "changefeeds", "--histories", "200", "--seed", "5", "--threads", "2").ShouldBe(0);
        _output.ToString().ShouldContain("changefeeds: 200 histories from seed 5");
        _output.ToString().ShouldContain("changefeed: cut");
        _output.ToString().ShouldContain("All invariants held.");
    }

    [Fact]
    public void A_failure_shows_the_seed_the_small_history_and_a_command_that_fails_the_same_way()
    {
        Run("--mutant", "CursorFloorIgnored", "--threads", "1").ShouldBe(1);
        var first = _output.ToString();
        first.ShouldContain("FAILED at history");
        first.ShouldContain("Shrunk to ");
        var replay = Replay().Match(first).Groups["arguments"].Value;
        replay.ShouldContain("--world changefeeds --histories 1 --seed ");
        _output.GetStringBuilder().Clear();
        Run(replay.Split(' ')).ShouldBe(1);
        _output.ToString().ShouldContain(Small().Match(first).Value);
    }

    [Fact]
    public void Ended_early_it_says_what_was_done_so_far()
    {
        using var ended = new CancellationTokenSource();
        ended.Cancel();
        new SimCommand(_output, _errors).Run(["--world", "changefeeds", "--histories", "1000000"], ended.Token).ShouldBe(130);
        _output.ToString().ShouldContain("Ended by Ctrl-C after 0 histories");
    }

    [Fact]
    public void The_help_names_every_option_and_every_world()
    {
        Run("--help").ShouldBe(0);
        var help = _output.ToString();
        foreach (var world in Worlds.SimWorld.All) help.ShouldContain(world.Name);
        foreach (var option in (string[])["--histories", "--seed", "--world", "--mode", "--mutant", "--mutants", "--threads"])
            help.ShouldContain($"  {option} ");
    }

    [Theory]
    [InlineData("--world moon", "must be one of whole, ")]
    [InlineData("--histories 0", "--histories is '0'; must be a whole number from 1")]
    [InlineData("--seed x", "--seed is 'x'")]
    [InlineData("--mutant Nothing", "there is no mutant 'Nothing'")]
    [InlineData("--world whole --mutant CursorOnId", "there is no mutant 'CursorOnId' there")]
    [InlineData("--world changefeeds --mode liveness", "no mode but safety")]
    [InlineData("--mode fast", "must be safety, liveness or both")]
    [InlineData("--histories", "--histories needs a value")]
    [InlineData("--seed 1 --seed 2", "given twice")]
    [InlineData("--threads 1 -class X", "'-class' is no option")]
    public void What_is_wrong_is_said_and_ends_with_two(string arguments, string said)
    {
        Run(arguments.Split(' ')).ShouldBe(2);
        _errors.ToString().ShouldContain(said);
    }

    [Fact]
    public void Without_an_option_of_the_simulation_it_is_the_test_runner()
    {
        SimOptions.AreFor([]).ShouldBeFalse();
        SimOptions.AreFor(["-class", "Some.Name", "-noColor"]).ShouldBeFalse();
        SimOptions.AreFor(["--server"]).ShouldBeFalse();
        SimOptions.AreFor(["--histories", "5"]).ShouldBeTrue();
    }

    private int Run(params string[] args) => new SimCommand(_output, _errors).Run(args, TestContext.Current.CancellationToken);

    [GeneratedRegex("^Replay: dotnet run .* -- (?<arguments>.*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Replay();

    [GeneratedRegex("^Shrunk to .*$", RegexOptions.Multiline, 1000)]
    private static partial Regex Small();
}
