-- One row for each flight, as it was known two hours before scheduled departure (asked_at).
--
-- The tables have the names of the sources and hold the newest state of each key: so a flight's row may know more by now
-- than it did at asked_at. Whatever is taken from a later state is therefore guarded by its own time: departed_at <= asked_at.
-- A flight's own departed_at and dep_delay are never taken: they would give the answer away.
with
times as (
    select
        flight_id, carrier, origin, dest, tailnum, distance, dep_delay,
        cast(asked_at as timestamptz) as asked_at,
        cast(scheduled_at as timestamptz) as scheduled_at,
        cast(sched_arr_at as timestamptz) as sched_arr_at,
        cast(departed_at as timestamptz) as departed_at
    from flights
),

-- Departures of each airport, and the questions asked there, in one sequence: a question sees the three hours before it.
moments as (
    select origin, departed_at as moment, dep_delay, null as flight_id from times where departed_at is not null
    union all
    select origin, asked_at, null, flight_id from times
),
delays as (
    select
        flight_id,
        count(dep_delay) over before_it as departed,
        avg(dep_delay) over before_it as mean_delay,
        avg(cast(dep_delay > 15 as integer)) over before_it as late_share
    from moments
    window before_it as (partition by origin order by moment range between interval 3 hours preceding and current row)
    qualify flight_id is not null
),

-- Keyed by UTC: the local hour from one to two o'clock on 3 November 2013 happened twice.
observations as (
    select
        origin,
        cast(time_hour as timestamptz) as observed_at,
        try_cast(temp as double) as temp,
        try_cast(dewp as double) as dewp,
        try_cast(humid as double) as humid,
        try_cast(wind_speed as double) as wind_speed,
        try_cast(wind_gust as double) as wind_gust,
        try_cast(precip as double) as precip,
        try_cast(pressure as double) as pressure,
        try_cast(visib as double) as visib
    from weather
),
-- The newest observation at asked_at; one older than two hours says nothing any more, and everything of it is null.
recent as (
    select
        times.flight_id,
        if(times.asked_at - observations.observed_at <= interval 2 hours, observations, null) as seen
    from times
    asof join observations on times.origin = observations.origin and times.asked_at >= observations.observed_at
)

select
    times.flight_id,
    times.asked_at,
    times.carrier,
    times.origin,
    times.dest,
    times.tailnum,
    extract(hour from times.scheduled_at at time zone 'America/New_York')
        + extract(minute from times.scheduled_at at time zone 'America/New_York') / 60 as hour,
    extract(isodow from times.scheduled_at at time zone 'America/New_York') as weekday,
    extract(epoch from times.sched_arr_at - times.scheduled_at) / 60 as duration,
    times.distance,
    extract(year from times.asked_at) - planes.year as plane_age,
    planes.seats,
    planes.engines,
    recent.seen.temp,
    recent.seen.dewp,
    recent.seen.humid,
    recent.seen.wind_speed,
    recent.seen.wind_gust,
    recent.seen.precip,
    recent.seen.pressure,
    recent.seen.visib,
    delays.departed,
    delays.mean_delay,
    delays.late_share
from times
left join recent using (flight_id)
left join delays using (flight_id)
left join planes using (tailnum)
