using Shouldly;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>The rule of the simulation finds sources that break it.</summary>
public sealed class SimulationRuleTests
{
    private const string Production = """
        namespace Sync.Some;
        public sealed class PublisherCore(int state);
        public interface ILedgerStore;
        public interface IIdSource;
        public sealed record PlantedFaults;
        """;

    private const string Outer =
        "public sealed partial class CollectionCore<T> { private readonly QueueCore _queue = new(); }";

    private const string Inner = "public sealed class QueueCore;";

    private const string Driver = """
        namespace Sync.Simulation;
        internal sealed class PublisherDriver { private readonly PublisherCore _core = new(1); }
        internal sealed class CollectionDriver { private readonly CollectionCore<int> _core = new(); }
        internal sealed class SeededIds : IIdSource;
        internal sealed record PlantedFaults;
        """;

    [Fact]
    public void A_simulation_that_drives_all_cores_and_implements_the_listed_models_is_right()
    {
        var rule = RuleOf(Driver);
        rule.LeftOut().Concat(rule.Remade()).Concat(rule.Unlisted()).Concat(rule.Unused()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("internal sealed class PublisherCore(int state);", "PublisherCore")]
    [InlineData("internal sealed partial class CollectionCore<T> where T : class;", "CollectionCore")]
    [InlineData("internal sealed class QueueCore;", "QueueCore")]
    [InlineData("internal sealed class OtherPublisherCore;", "OtherPublisherCore")]
    [InlineData("internal readonly record struct ILedgerStore(int One);", "ILedgerStore")]
    public void A_core_or_a_type_of_production_that_is_made_again_is_found(string source, string found) =>
        RuleOf(Driver + "\n" + source).Remade().ShouldBe([found]);

    [Theory]
    [InlineData("")]
    [InlineData("    // PublisherCore decides, and nobody asks it.")]
    [InlineData("/// <summary>As <see cref=\"PublisherCore\"/>.</summary>")]
    public void A_core_that_is_left_out_or_only_spoken_of_is_found(string source) => RuleOf(
        Driver.Replace("PublisherCore", "MyPublisher", StringComparison.Ordinal) + "\n" + source)
        .LeftOut().ShouldBe(["PublisherCore"]);

    [Fact]
    public void What_only_a_core_that_is_left_out_is_made_of_is_left_out_too() =>
        RuleOf(Driver.Replace("CollectionCore", "MyCollection", StringComparison.Ordinal))
            .LeftOut().ShouldBe(["CollectionCore", "QueueCore"]);

    [Theory]
    [InlineData("internal sealed class FakeLedger : ILedgerStore;", "ILedgerStore")]
    [InlineData("internal sealed class FakeLedger<T>(int one) : IDisposable, ILedgerStore where T : class;", "ILedgerStore")]
    [InlineData("internal sealed record FakeSchema(int One)\n    : SyncSchema<int>(One);", "SyncSchema")]
    public void A_fake_that_is_not_listed_is_found(string source, string found) =>
        RuleOf(Driver + "\n" + source).Unlisted().ShouldBe([$"Driver.cs: {found}"]);

    [Fact]
    public void A_listed_model_that_nothing_implements_is_found() =>
        RuleOf(Driver.Replace(": IIdSource", "", StringComparison.Ordinal)).Unused().ShouldBe(["IIdSource"]);

    private static SimulationRule RuleOf(string simulation)
    {
        SimulationRule.Source[] production = [new("Production.cs", Production), new("Outer.cs", Outer), new("Inner.cs", Inner)];
        return new([new("Driver.cs", simulation)], production, production, production,
            new HashSet<string>(["IIdSource"], StringComparer.Ordinal));
    }
}
