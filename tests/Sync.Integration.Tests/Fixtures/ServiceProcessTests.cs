using System.Diagnostics;
using System.Globalization;
using Shouldly;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Fixtures;

/// <summary>What other tests rely on when they start, pause and kill a child process.</summary>
public sealed class ServiceProcessTests
{
    private const string Ended = "ZX ";

    [Fact]
    public async Task A_child_sees_its_environment_and_its_lines_are_awaited()
    {
        await using ServiceProcess child = Shell(
            "echo \"hello $WHO\"; exec sleep 1000", new(StringComparer.Ordinal) { ["WHO"] = "reader" });

        (await child.WaitForLineAsync("hello")).ShouldBe("hello reader");
        child.HasExited.ShouldBeFalse();
    }

    [Fact]
    public async Task A_child_that_ends_before_its_line_fails_the_wait_with_its_output()
    {
        await using ServiceProcess child = Shell("echo 'no such port' >&2; exit 3");

        var error = await Should.ThrowAsync<InvalidOperationException>(() => child.WaitForLineAsync("ready"));

        error.Message.ShouldContain("no such port");
        (await child.Exited).ShouldBe(3);
    }

    [Fact]
    public async Task A_child_that_never_says_ready_fails_the_wait_in_time()
    {
        await using ServiceProcess child = Shell("exec sleep 1000");

        await Should.ThrowAsync<TimeoutException>(
            () => child.WaitForLineAsync("ready", TimeSpan.FromMilliseconds(200)));
    }

    [Fact]
    public async Task Terminate_lets_a_child_end_by_itself_and_kill_does_not()
    {
        const string script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
        await using ServiceProcess asked = Shell(script);
        await using ServiceProcess killed = Shell(script);
        await asked.WaitForLineAsync("ready");
        await killed.WaitForLineAsync("ready");

        (await asked.TerminateAsync()).ShouldBe(7);
        await killed.KillAsync();

        (await killed.Exited).ShouldBe(137);
        killed.Output.ShouldNotContain("bye");
    }

    [Fact]
    public async Task All_that_a_child_said_is_there_when_its_end_was_waited_for()
    {
        await using ServiceProcess child = Shell("(sleep 0.3; echo last words) & exit 0");

        (await child.WaitForExitAsync()).ShouldBe(0);

        child.Output.ShouldEndWith("last words");
    }

    [Fact]
    public async Task A_paused_child_and_those_below_it_stand_still_until_it_continues()
    {
        await using ServiceProcess child = Shell("sleep 1000 & echo \"below $!\"; wait");
        int below = await ProcessBelowAsync(child);

        child.Pause();
        await StateBecomesAsync(child.Id, "T");
        await StateBecomesAsync(below, "T");
        child.Continue();

        await StateBecomesAsync(child.Id, "SR");
        await StateBecomesAsync(below, "SR");
    }

    [Fact]
    public async Task No_process_below_a_disposed_child_survives()
    {
        ServiceProcess child = Shell("sleep 1000 & echo \"below $!\"; wait");
        int below = await ProcessBelowAsync(child);

        await child.DisposeAsync();

        await StateBecomesAsync(below, Ended);
    }

    [Fact]
    public async Task The_kernel_is_told_to_kill_a_child_when_the_test_run_ends_without_disposing_it()
    {
        string state = await ServiceProcess.RunAsync(new("setpriv") { Arguments = ["--dump"] });

        state.ShouldContain("Parent death signal: KILL");
    }

    [Fact]
    public async Task A_child_outlives_the_thread_that_asked_for_it()
    {
        ServiceProcess? child = null;
        var thread = new Thread(() => child = Shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"));
        thread.Start();
        thread.Join();

        await using (child)
        {
            await child!.WaitForLineAsync("ready");
            (await child.TerminateAsync()).ShouldBe(7);
        }
    }

    [Fact]
    public void Free_ports_are_distinct_and_outside_the_range_of_outgoing_connections()
    {
        int[] ports =
        [
            .. Enumerable.Range(0, 10).Select(_ => Ports.Free()),
            .. Enumerable.Range(0, 10).Select(_ => Ports.Free(10, 20)).SelectMany(port => (int[])[port, port + 10, port + 20]),
        ];

        ports.Distinct().Count().ShouldBe(ports.Length);
        ports.ShouldAllBe(port => port >= 12_000 && port < 32_768);
    }

    private static ServiceProcess Shell(
        string script, Dictionary<string, string?>? environment = null) =>
        ServiceProcess.Start(new("bash")
        {
            Arguments = ["-c", script],
            Environment = environment ?? new(StringComparer.Ordinal),
        });

    private static async Task<int> ProcessBelowAsync(ServiceProcess child)
    {
        string line = await child.WaitForLineAsync("below");
        return int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    private static async Task StateBecomesAsync(int processId, string expected)
    {
        var clock = Stopwatch.StartNew();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!expected.Contains(State(processId)))
        {
            clock.Elapsed.ShouldBeLessThan(ServiceProcess.WaitMax, $"process {processId} is {State(processId)}");
            await tick.WaitForNextTickAsync();
        }
    }

    /// <summary>The state letter of Linux's process table; a blank when there is no such process.</summary>
    private static char State(int processId)
    {
        string file = $"/proc/{processId}/stat";
        try
        {
            string stat = File.ReadAllText(file);
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return ' ';
        }
    }
}
