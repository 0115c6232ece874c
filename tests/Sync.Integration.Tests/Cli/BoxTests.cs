using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Shouldly;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary><c>sync up</c> as a process: what it shows, what it refuses, how it ends. No server is needed.</summary>
public sealed class BoxTests
{
    [Fact]
    public async Task The_sample_moves_and_the_commands_work_against_the_box()
    {
        await using var box = await BoxUnderTest.StartAsync();
        var before = await FactsAsync(box);
        await box.UntilAsync(async () => await FactsAsync(box) > before + 20, "write the sample");
        (await box.RunAsync("put", "acme", "user", "1", """{"n":1}""")).Code.ShouldBe(0);
        (await box.RunAsync("put", "acme", "user", "1", "--delete")).Code.ShouldBe(0);
        (await box.RunAsync("put", "acme", "user", "1", """{"n":3}""")).Code.ShouldBe(0);
        (await box.RunAsync("get", "acme", "user", "1", "--json")).Json.GetProperty("value").GetRawText().ShouldBe("""{"n":3}""");
        var watched = await box.RunAsync("watch", "acme", "user", "1", "--until", "3");
        (watched.Code, watched.Out).ShouldBe((0, "     3  {\"n\":3}\n"));
        (await box.RunAsync("history", "acme", "user", "1")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(3);
        var verified = await box.RunAsync("verify", "--replicas", box.Page.ToString());
        verified.Code.ShouldBe(0, verified.Out + verified.Err);
        verified.Out.ShouldContain("collections are equal");
        (await box.InterruptAsync()).Code.ShouldBe(0);
    }

    [Fact]
    public async Task A_watch_without_a_broker_shows_every_change_in_order()
    {
        await using var box = await BoxUnderTest.StartAsync("--no-sample");
        var watch = box.Begin("watch", "acme", "user", "1", "--until", "3", "--json");
        await watch.Process.WaitUntilAsync(() => Task.FromResult(File.Exists(watch.Output) && new FileInfo(watch.Output).Length > 0), "show that there is none");
        foreach (var value in new[] { "1", "2", "12345678901234567890" })
            (await box.RunAsync("put", "acme", "user", "1", value)).Code.ShouldBe(0);
        var lines = (await watch.ResultAsync()).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("value").GetRawText());
        lines.ShouldBe(["null", "1", "2", "12345678901234567890"]);
    }

    [Fact]
    public async Task Without_a_sample_it_is_empty_and_two_boxes_do_not_see_each_other()
    {
        await using var first = await BoxUnderTest.StartAsync("--no-sample");
        await using var second = await BoxUnderTest.StartAsync("--no-sample");
        (await first.RunAsync("put", "acme", "user", "1", "1")).Code.ShouldBe(0);
        (await FactsAsync(first), await FactsAsync(second)).ShouldBe((1, 0));
        (await first.InterruptAsync()).Code.ShouldBe(0);
        (await second.RunAsync("put", "acme", "user", "1", "1")).Code.ShouldBe(0);
    }

    [Theory]
    [InlineData(0, "writer")]
    [InlineData(10, "replica host")]
    [InlineData(20, "Insight host")]
    public async Task A_taken_port_is_named_with_what_to_do(int step, string service)
    {
        await using var box = BoxUnderTest.Launch("--no-sample");
        await box.Process.KillAsync();
        using var other = new TcpListener(IPAddress.Loopback, box.Port + step);
        other.Start();
        var result = await box.RunAsync("up", "--port", $"{box.Port}", "--no-sample");
        (result.Code, result.Out).ShouldBe((1, ""));
        result.Err.ShouldStartWith($"sync: port {box.Port + step}, wanted for the {service}, cannot be had");
        result.Err.ShouldContain("sync up --port ");
    }

    [Theory]
    [InlineData("--port", "70000", "--port is 70000; must be 1..65515")]
    [InlineData("--rate", "0", "--rate is 0; must be 1..1000 writes a second")]
    public async Task A_setting_out_of_range_is_refused(string option, string value, string message)
    {
        await using var box = BoxUnderTest.Launch("--no-sample");
        var result = await box.RunAsync("up", option, value);
        (result.Code, result.Err).ShouldBe((2, $"sync: {message}\n"));
    }

    [Fact]
    public async Task It_ends_cleanly_when_interrupted_while_it_starts()
    {
        await using var box = BoxUnderTest.Launch();
        // The ports are taken one after the other, before anything is ready.
        await box.UntilAsync(() => Task.FromResult(IsListening(box.Port)), "listen");
        var result = await box.InterruptAsync();
        (result.Code, result.Err).ShouldBe((0, ""));
    }

    [Fact]
    public async Task It_ends_cleanly_and_soon_while_clients_stream_and_do_not_read()
    {
        await using var box = await BoxUnderTest.StartAsync("--rate", "200");
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, box.Page.Port);
        await silent.GetStream().WriteAsync(
            System.Text.Encoding.ASCII.GetBytes($"GET /v1/stream?group=shop HTTP/1.1\r\nHost: 127.0.0.1:{box.Page.Port}\r\n\r\n"));
        using var reading = await box.Http.GetStreamAsync(new Uri(box.Page, "/v1/stream?group=shop"));
        (await reading.ReadAsync(new byte[100])).ShouldBeGreaterThan(0);
        var result = await box.InterruptAsync();
        (result.Code, result.Err).ShouldBe((0, ""));
    }

    [Fact]
    public async Task Every_line_that_it_says_to_try_works()
    {
        await using var box = await BoxUnderTest.StartAsync();
        var lines = box.Output.Split('\n').SkipWhile(line => !line.StartsWith("Try", StringComparison.Ordinal)).Skip(1)
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal)).Select(line => line.Trim()).ToList();
        lines.Count.ShouldBeGreaterThanOrEqualTo(7);
        foreach (var line in lines)
        {
            // What follows never ends by itself.
            var follows = line.Contains(" watch ", StringComparison.Ordinal) || line.Contains("curl -N", StringComparison.Ordinal);
            var script = follows ? $"timeout 3 env {line} || [ $? = 124 ]" : line;
            var said = await ServiceProcess.RunAsync(new ServiceStart("sh") { Arguments = ["-c", script] });
            said.ShouldNotBeEmpty(line);
            said.ShouldNotContain("urn:sync:problem", Case.Sensitive, line);
        }
    }

    [Fact]
    public async Task It_ends_on_a_termination_signal_too()
    {
        await using var box = await BoxUnderTest.StartAsync();
        (await box.Process.TerminateAsync()).ShouldBe(0);
    }

    internal static async Task<long> FactsAsync(BoxUnderTest box) => (await box.JsonAsync(box.Writer, "/v1/status"))
        .GetProperty("feeds").EnumerateArray().Sum(feed => feed.GetProperty("position").GetInt64());

    private static bool IsListening(int port)
    {
        using var probe = new TcpClient();
        try
        {
            probe.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
