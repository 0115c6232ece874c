using System.Net.Http.Json;
using System.Text.Json;
using Shouldly;
using Sync.InsightHost;
using Sync.Integration.Tests.Writer;
using Sync.Ledger;
using Sync.Testing.Processes;
using Sync.Transport;
using Sync.Writer.Engine;
using Xunit;

namespace Sync.Integration.Tests.Insights;

/// <summary>Writer and Insight host in one process, on a memory ledger and a bus within it.</summary>
public sealed class EmbeddedTests
{
    [Xunit.Fact]
    public async Task An_embedded_Insight_host_follows_an_embedded_writer()
    {
        await using var store = new MemoryLedgerStore(TimeProvider.System);
        await using var bus = new InProcessBus();
        await using var transport = new InProcessTransport();
        await using var writer = await WriterUnderTest.StartAsync(new WriterParts { Store = store, Bus = bus, Transport = transport });
        var url = new Uri($"http://127.0.0.1:{Ports.Free()}");
        const string derivation = "--Sync:InsightHost:Derivations:0:";
        await using var host = InsightHostApp.Build(
            [
                $"--{InsightHostApp.UrlsSetting}={url}",
                "--Sync:Access:Open=true",
                $"--Sync:InsightHost:WriterUrls:0={writer.Address}",
                derivation + "Name=live",
                derivation + "Kind=counts",
                derivation + "Group=shop",
                derivation + "Collection=item",
                derivation + "TargetVault=insight",
                derivation + "TargetCollection=live",
            ],
            new InsightHostParts { Bus = bus });
        await host.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = url };
        await WriterUnderTest.UntilAsync(async () => (await http.GetAsync("/readyz", TestContext.Current.CancellationToken)).IsSuccessStatusCode);

        for (var number = 0; number < 20; number++)
            await writer.PutAsync($"/v1/vaults/shop--{number % 3}/item/k{number}", "{}");
        var settled = await http.GetFromJsonAsync<JsonElement>("/v1/insights/settled?wait=30", TestContext.Current.CancellationToken);

        settled.GetProperty("settled").GetBoolean().ShouldBeTrue();
        var page = await writer.Http.GetFromJsonAsync<JsonElement>("/v1/vaults/insight/live", TestContext.Current.CancellationToken);
        page.GetProperty("items").EnumerateArray()
            .Select(item => (item.GetProperty("key").GetString(), item.GetProperty("value").GetProperty("summary").GetProperty("live").GetInt32()))
            .ShouldBe([("0", 7), ("1", 7), ("2", 6)]);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }
}
