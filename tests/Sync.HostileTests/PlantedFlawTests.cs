using Shouldly;
using Sync.HostileTests.Planted;
using Sync.HostileTests.Run;
using Sync.HostileTests.Targets;
using Xunit;

namespace Sync.HostileTests;

/// <summary>The oracles are awake: a decoder with a flaw is found, within a stated number of inputs.</summary>
public sealed class PlantedFlawTests
{
    private const int Seed = 7;

    private static readonly Dictionary<string, (Func<Target> Make, int InputsMax)> Flawed = new(StringComparer.Ordinal)
    {
        ["a reader without a limit of depth"] = (() => new FlawedValue(Flaw.NoDepth), 20_000),
        ["a reader that trusts the declared count"] = (() => new FlawedValue(Flaw.TrustsCount), 2_000),
        ["a reader that ignores what follows"] = (() => new FlawedValue(Flaw.IgnoresRest), 1_000),
        ["a reader that takes a key twice"] = (() => new FlawedValue(Flaw.IgnoresTwins), 5_000),
        ["a reader that does not check text"] = (() => new FlawedValue(Flaw.IgnoresUtf8), 2_000),
        ["a reader that reads behind the end"] = (() => new FlawedValue(Flaw.ReadsBehindEnd), 1_000),
        ["a reader that is slow on deep nesting"] = (() => new FlawedValue(Flaw.IsSlow), 20_000),
        ["a skip with a count of 31 bits"] = (() => new FlawedSkip(), 20_000),
        ["a decoder of subjects that takes %41"] = (() => new LooseSubject(), 5_000),
        ["a writer of events that lets a carriage return through"] = (() => new CarriageReturnEvent(), 1_000),
        ["a reader of events that tears a line end"] = (() => new TornLineEnd(), 5_000),
        ["a reader of times that takes what the runtime takes"] = (() => new LenientTime(), 5_000),
        ["a reader of paths that decodes twice"] = (() => new TwiceDecodedPath(), 5_000),
    };

    public static TheoryData<string> Names => [.. Flawed.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_planted_flaw_is_found(string flaw)
    {
        var (make, most) = Flawed[flaw];
        // Of the vectors none may show it: the damage has to.
        var target = make();
        var seeds = target.Seeds().Where(bytes => Answers(target, bytes)).ToArray();
        seeds.ShouldNotBeEmpty();

        var finding = new Slice(make(), seeds, Seed, 0).Run(most).ShouldNotBeNull();

        finding.Index.ShouldBeGreaterThanOrEqualTo(0);
        finding.Input.Length.ShouldBeLessThan(2000);
        finding.Report().ShouldContain($"--target {target.Name} --input {Convert.ToHexStringLower(finding.Input)}");
        Answers(make(), finding.Input).ShouldBeFalse("its minimized input must show it too");
    }

    [Fact]
    public void A_run_ends_with_what_it_found()
    {
        var run = new HostileRun([() => new CursorTarget(), () => new LooseSubject()], Seed);

        run.Run(200_000);

        run.Findings.ShouldHaveSingleItem().What.ShouldBe("the key has another subject");
        CommandLine.Report(run).ShouldContain("corpus/subject/NAME.hex");
    }

    [Fact]
    public void The_same_seed_gives_the_same_inputs()
    {
        var slices = Enumerable.Range(0, 2).Select(_ =>
        {
            var target = new EnvelopeTarget();
            var slice = new Slice(target, Corpus.Of(target), Seed, 3);
            slice.Run(5_000).ShouldBeNull();
            return string.Join(' ', slice.Grown.Select(Convert.ToHexStringLower)) + slice.Taken;
        }).ToArray();

        slices[0].ShouldBe(slices[1]);
    }

    private static bool Answers(Target target, byte[] bytes)
    {
        try
        {
            new Probe(target).Run(bytes);
            return true;
        }
        catch (WrongAnswerException)
        {
            return false;
        }
    }
}
