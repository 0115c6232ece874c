using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;
using static Sync.Tests.Client.ScriptedWriter;

namespace Sync.Tests.Client;

/// <summary>Settings, figures, traces and reads of the client.</summary>
public sealed class ClientSurfaceTests
{
    private readonly PauseClock _clock = new();
    private readonly ScriptedWriter _writer = new();

    [Fact]
    public async Task Settings_come_from_the_section_writers_included()
    {
        await using var services = Services(new(StringComparer.Ordinal)
        {
            ["Sync:Client:Writers:0"] = "http://a:1",
            ["Sync:Client:Writers:1"] = "http://b:2",
            ["Sync:Client:Lanes"] = "7",
            ["Sync:Client:WriteTimeout"] = "00:00:05",
        }, out var bound);
        services.GetRequiredService<SyncClient>().ShouldNotBeNull();
        var options = bound().ShouldNotBeNull();
        options.WriterAddresses.Select(address => address.Authority).ShouldBe(["a:1", "b:2"]);
        (options.Lanes, options.WriteTimeout, options.BatchWritesMax).ShouldBe((7, TimeSpan.FromSeconds(5), 500));
    }

    [Theory]
    [InlineData("Lanes", "0", "Sync:Client:Lanes is 0; must be 1..64 lanes")]
    [InlineData("Lanes", "many", "Sync:Client:Lanes")]
    [InlineData("Lane", "1", "'Lane'")]
    [InlineData("Writers:0", "localhost:5080", "Sync:Client:Writers has 'localhost:5080'; must be an http or https address")]
    [InlineData("RetryDelayMax", "00:00:00.010", "Sync:Client:RetryDelayMax is 00:00:00.0100000; must be 00:00:00.0500000..00:01:00")]
    public async Task A_wrong_setting_stops_the_host_at_its_start_by_name(string name, string value, string message)
    {
        await using var services = Services(new(StringComparer.Ordinal) { ["Sync:Client:" + name] = value }, out _);
        var error = Should.Throw<Exception>(() => services.GetServices<IHostedService>().ToList());
        error.Message.ShouldContain(message);
    }

    [Fact]
    public async Task Writes_retries_and_batches_are_counted()
    {
        var seen = new Dictionary<string, double>(StringComparer.Ordinal);
        using var listener = new MeterListener();
        // Other tests write at the same time: only what this one's key made is looked at, by amounts that grow.
        listener.InstrumentPublished = (instrument, to) =>
        {
            if (instrument.Meter.Name == "Sync.Client") to.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, amount, tags, _) => Add(instrument.Name, amount, tags));
        listener.SetMeasurementEventCallback<int>((instrument, amount, tags, _) => Add(instrument.Name, amount, tags));
        listener.Start();
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a"));
        (await _writer.NextAsync()).Answer(Call.Problem("no-owner", 503));
        await _clock.PassPauseAsync();
        (await _writer.NextAsync()).Commit();
        await write;

        lock (seen)
        {
            seen["sync.client.writes committed"].ShouldBeGreaterThanOrEqualTo(1);
            seen["sync.client.retries "].ShouldBeGreaterThanOrEqualTo(1);
            seen["sync.client.batch.size "].ShouldBeGreaterThanOrEqualTo(2);
            seen.ShouldContainKey("sync.client.queued ");
        }

        void Add(string name, double amount, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var id = $"{name} {(tags.Length == 0 ? "" : tags[0].Value)}";
            lock (seen) seen[id] = seen.GetValueOrDefault(id) + amount;
        }
    }

    [Fact]
    public async Task A_batch_carries_the_trace_of_its_first_caller()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Sync.Client" or "test",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("test");
        await using var client = _writer.Client(_clock);
        Task<WriteResult> write;
        ActivityTraceId trace;
        using (var activity = source.StartActivity("caller"))
        {
            trace = activity.ShouldNotBeNull().TraceId;
            write = client.WriteAsync(Put("a"));
        }
        var call = await _writer.NextAsync();
        call.TraceParent.ShouldNotBeNull().ShouldStartWith($"00-{trace}-");
        call.Commit();
        await write;
    }

    [Theory]
    [InlineData("<html>hello</html>")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task A_status_of_something_else_says_that_it_is_no_writer(string body)
    {
        await using var client = _writer.Client(_clock);
        var status = client.Writer.StatusAsync(TestContext.Current.CancellationToken);
        (await _writer.NextAsync()).Answer(HttpStatusCode.OK, body);
        var error = await Should.ThrowAsync<SyncException>(status);
        error.Message.ShouldBe("what answers at http://one:1/ is not a Sync writer; is the address right?");
    }

    [Fact]
    public async Task Reads_go_to_the_next_writer_when_one_refuses_connections()
    {
        _writer.TakeDown("one:1");
        await using var client = _writer.Client(_clock, Options with { Writers = ["http://one:1", "http://two:2"] });
        var answer = client.Writer.GetJsonAsync("/v1/status", TestContext.Current.CancellationToken);
        var call = await _writer.NextAsync();
        call.Authority.ShouldBe("two:2");
        call.Answer(HttpStatusCode.OK, "{}");
        (await answer).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_client_without_a_broker_says_so_when_a_replica_is_asked_for()
    {
        await using var client = _writer.Client(_clock);
        var error = await Should.ThrowAsync<SyncException>(() => client.ReplicaAsync("acme", "user", "1", SyncSchema.Raw));
        error.Code.ShouldBe(SyncErrorCode.Invalid);
    }

    private static ServiceProvider Services(Dictionary<string, string?> settings, out Func<SyncClientOptions?> bound)
    {
        SyncClientOptions? seen = null;
        bound = () => seen;
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSync(
            new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), new SyncSchemas(), options => seen = options);
        return services.BuildServiceProvider();
    }
}
