using System.Text;
using Shouldly;
using Sync.Cli.Up.Sample;
using Sync.Contracts;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary>The sample of the box as a pure generator.</summary>
public sealed class SampleShopsTests
{
    [Fact]
    public void The_same_seed_gives_the_same_writes_and_another_seed_others()
    {
        Texts(7, 2000).ShouldBe(Texts(7, 2000));
        Texts(8, 2000).ShouldNotBe(Texts(7, 2000));
    }

    [Fact]
    public void Orders_change_and_go_and_shops_open_within_bounds()
    {
        var shops = new SampleShops(1);
        var live = new Dictionary<SyncedKey, string>();
        var (changes, deletes, visits) = (0, 0, 0);
        for (var write = 0; write < 20_000; write++)
        {
            var (key, op, json) = shops.Next();
            Names.Check(key).ShouldBeNull();
            (op == ChangeOp.Append).ShouldBe(key.Collection == SampleShops.Visits);
            (op == ChangeOp.Delete).ShouldBe(json is null);
            if (op == ChangeOp.Append) visits++;
            if (json is null)
            {
                live.Remove(key).ShouldBeTrue($"{key} is deleted and was not there");
                deletes++;
                continue;
            }
            if (live.TryGetValue(key, out var before))
            {
                op.ShouldBe(ChangeOp.Put, $"{key} is an event and is written twice");
                (Encoding.UTF8.GetString(json) == before).ShouldBeFalse($"{key} is written and does not change");
                changes++;
            }
            live[key] = Encoding.UTF8.GetString(json);
        }
        changes.ShouldBeGreaterThan(5000);
        deletes.ShouldBeGreaterThan(500);
        visits.ShouldBeGreaterThan(500);
        live.Where(one => one.Key.Collection == SampleShops.Orders).GroupBy(one => one.Key.Vault, StringComparer.Ordinal).ShouldAllBe(shop => shop.Count() <= 60);
        live.Select(one => one.Key.Vault).Distinct(StringComparer.Ordinal).Count().ShouldBeInRange(15, 20);
    }

    private static List<string> Texts(int seed, int count)
    {
        var shops = new SampleShops(seed);
        return [.. Enumerable.Range(0, count).Select(_ => shops.Next()).Select(write => $"{write.Key} {Encoding.UTF8.GetString(write.Json ?? [])}")];
    }
}
