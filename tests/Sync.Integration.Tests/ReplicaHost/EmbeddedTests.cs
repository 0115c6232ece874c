using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Integration.Tests.Writer;
using Sync.Ledger;
using Sync.ReplicaHost;
using Sync.ReplicaHost.Engine;
using Sync.Transport;
using Sync.Writer.Engine;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>A replica host inside a process that brings bus and transport along.</summary>
public sealed class EmbeddedTests : IAsyncLifetime
{
    private readonly InProcessBus _bus = new();
    private readonly InProcessTransport _transport = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private WebApplication _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = ReplicaHostApp.Build(
            ["--Sync:ReplicaHost:Urls=http://127.0.0.1:0", "--Sync:ReplicaHost:Follow:0:Group=g", "--Sync:Access:Open=true"],
            new ReplicaHostParts { Bus = _bus, Transport = _transport });
        await _host.StartAsync();
        _http.BaseAddress = new Uri(_host.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.StopAsync();
        await _host.DisposeAsync();
        await _transport.DisposeAsync();
        await _bus.DisposeAsync();
    }

    [Fact]
    public async Task A_ledger_that_was_restored_makes_streams_begin_again_also_where_sequences_go_back()
    {
        EventReader reader;
        await using (var before = await WriterAsync(history: 1))
        {
            foreach (var value in (string[])["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"])
                await before.PutAsync("/v1/vaults/g--a/c/k", value);
            await before.PutAsync("/v1/vaults/g--a/c/lost", "{}");
            reader = await EventReader.OpenAsync(_http, "/v1/stream?group=g");
            var held = await reader.SnapshotAsync();
            while (held.GetValueOrDefault("g--a/c/k") < 3 || !held.ContainsKey("g--a/c/lost")) await ApplyAsync(reader, held);
        }
        await using var after = await WriterAsync(history: 2);
        await after.PutAsync("/v1/vaults/g--a/c/k", "{\"n\":4}");
        var names = new List<string>();
        var now = new Dictionary<string, long>(StringComparer.Ordinal) { ["g--a/c/k"] = 3, ["g--a/c/lost"] = 1 };
        while (now.GetValueOrDefault("g--a/c/k") != 1 || now.ContainsKey("g--a/c/lost"))
            names.Add(await ApplyAsync(reader, now));
        names.Contains("reset", StringComparer.Ordinal).ShouldBeTrue();
        (await _http.GetStringAsync("/v1/digests/g--a/c"))
            .ShouldBe((await after.GetAsync("/v1/digests/g--a/c")).Text);
        await reader.DisposeAsync();
    }

    [Fact]
    public void A_bus_without_its_transport_is_refused() =>
        Should.Throw<StartupException>(() => ReplicaHostApp.Build(
            ["--Sync:ReplicaHost:Urls=http://127.0.0.1:0", "--Sync:ReplicaHost:Follow:0:Group=g", "--Sync:Access:Open=true"],
            new ReplicaHostParts { Bus = _bus })).Message.ShouldContain("both bus and transport, or neither");

    private Task<WriterUnderTest> WriterAsync(long history) => WriterUnderTest.StartAsync(new WriterParts
    {
        Store = new MemoryLedgerStore(
            TimeProvider.System, new MemoryLedgerOptions { History = new HistoryId(history) }),
        Bus = _bus,
        Transport = _transport,
    });

    // As a client does: highest sequence wins, until a reset.
    private static async Task<string> ApplyAsync(EventReader reader, Dictionary<string, long> held)
    {
        var (name, data) = (await reader.NextAsync())!.Value;
        if (name == "reset") held.Clear();
        else if (name == "delete") held.Remove(EventReader.KeyOf(data));
        var records = name == "put" ? [data] : name == "snapshot" ? data.GetProperty("items").EnumerateArray().ToArray() : [];
        foreach (var record in records)
        {
            var (key, sequence) = (EventReader.KeyOf(record), record.GetProperty("sequence").GetInt64());
            if (sequence > held.GetValueOrDefault(key)) held[key] = sequence;
        }
        return name;
    }
}
